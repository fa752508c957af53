-- Finds the first jobs of each list that the index holds, and merges them. Then reads them one by one, until their results have too many
-- characters: a result is large beside all else, and its length is known only when it was read.
-- $1 queues, $2 statuses, $3 caller, or null for all callers, $4 and $5 time and id of the last job of the page before, $6 limit,
-- $7 characters, $8 time of the oldest job, $9 tag, or null. It is planned with these values, so that one of the two lists is left, and one branch of the
-- condition that depends on the caller, to which one of the indexes fits, whatever the statistics say.
WITH RECURSIVE page AS (
  SELECT array_agg(queue) AS queues, array_agg(id) AS ids FROM (
    SELECT lists.queue, lists.id
      FROM unnest($1::text[]) AS queues(queue) CROSS JOIN unnest($2::text[]) AS statuses(status)
     CROSS JOIN LATERAL (
       (SELECT job.queue, id, added_at_ms FROM bullmq.job
         WHERE $9::text IS NULL AND CASE
             WHEN $3::text IS NULL THEN job.queue || ':' || ({{status}}) = queues.queue || ':' || statuses.status
             ELSE job.queue = queues.queue AND name = $3 AND ({{status}}) = statuses.status
           END
           -- Jobs that BullMQ's tools add have other ids, by which no client can ask for them.
           AND id ~ '^[A-Za-z0-9]{1,40}_[A-Za-z0-9_-]{22}$'
           AND (added_at_ms, id COLLATE "C") < ($4, $5) AND added_at_ms >= $8
         ORDER BY job.added_at_ms DESC, id COLLATE "C" DESC LIMIT $6)
       UNION ALL
       (SELECT tagged.queue, id, added_at_ms FROM accepted_queue.job_tags AS tagged
         WHERE tag = $9::text AND CASE
             WHEN $3::text IS NULL THEN tagged.queue || ':' || status = queues.queue || ':' || statuses.status
             ELSE tagged.queue = queues.queue AND caller = $3 AND status = statuses.status
           END
           AND id ~ '^[A-Za-z0-9]{1,40}_[A-Za-z0-9_-]{22}$'
           AND (added_at_ms, id COLLATE "C") < ($4, $5) AND added_at_ms >= $8
         ORDER BY tagged.added_at_ms DESC, id COLLATE "C" DESC LIMIT $6)
     ) AS lists
     ORDER BY added_at_ms DESC, id COLLATE "C" DESC LIMIT $6
  ) AS merged
),
-- The characters of the results before each place.
places AS (
  SELECT 1 AS place, 0::bigint AS characters
  UNION ALL
  SELECT place + 1, characters + coalesce(length(return_value::text), 0)
    FROM places CROSS JOIN page JOIN bullmq.job ON job.queue = queues[place] AND job.id = ids[place]
   WHERE characters <= $7::bigint
)
SELECT {{record}}, cardinality(ids) AS found
  FROM places CROSS JOIN page JOIN bullmq.job ON job.queue = queues[place] AND job.id = ids[place]
 WHERE characters <= $7::bigint
 ORDER BY place
