-- Events after the last settled one that were not received.
-- $1 queue, $2 id of the last settled event, $3 ids of the events received since, $4 names
SELECT id::float8, event, data->>'jobId' AS "jobId", data->>'data' AS data FROM bullmq.event
 WHERE queue = $1 AND id > $2 AND event = ANY($4::text[])
   AND NOT EXISTS (SELECT FROM unnest($3::bigint[]) AS received(id) WHERE received.id = event.id)
 ORDER BY event.id
