-- Reads the first entries of each list that the index holds, and merges them.
-- $1 queues, $2 statuses, $3 caller, $4 and $5 time and id of the last job of the page before, $6 limit
SELECT page.*
  FROM unnest($1::text[]) AS queues(queue) CROSS JOIN unnest($2::text[]) AS statuses(status)
 CROSS JOIN LATERAL (
   SELECT {{record}} FROM bullmq.job
    WHERE job.queue = queues.queue AND name = $3 AND ({{status}}) = statuses.status
      -- Jobs that BullMQ's tools add have other ids, by which no client can ask for them.
      AND id ~ '^[A-Za-z0-9]{1,40}_[A-Za-z0-9_-]{22}$'
      AND (added_at_ms, id COLLATE "C") < ($4, $5)
    ORDER BY job.added_at_ms DESC, id COLLATE "C" DESC LIMIT $6
 ) AS page
 ORDER BY added_at_ms DESC, id COLLATE "C" DESC LIMIT $6
