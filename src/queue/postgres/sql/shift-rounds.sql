-- Shifts some jobs of queues whose rounds have become too great a number back, the first ones first, so that their order stays. Those beyond
-- the limit that are left are shifted later, which a first round far below it shows.
-- $1 queues, $2 the round from which they are shifted, $3 the most jobs of each queue
WITH first AS (
  SELECT queues.queue, job.priority FROM unnest($1::text[]) AS queues(queue) CROSS JOIN LATERAL (
    SELECT priority FROM bullmq.job WHERE job.queue = queues.queue AND {{in-round}} ORDER BY priority LIMIT 1) AS job
),
late AS (
  SELECT job.queue, job.id FROM first CROSS JOIN LATERAL (
    SELECT job.queue, id FROM bullmq.job WHERE job.queue = first.queue AND {{in-round}} AND priority >= $2::integer
     ORDER BY priority, seq LIMIT $3::integer FOR UPDATE SKIP LOCKED) AS job
   WHERE first.priority >= $2::integer OR first.priority < $2::integer / 2
),
shifted AS (
  UPDATE bullmq.job SET priority = priority - $2::integer + {{rounds-from}} + 1
    FROM late WHERE job.queue = late.queue AND job.id = late.id
RETURNING job.queue)
SELECT coalesce(max(count), 0)::integer AS shifted FROM (SELECT count(*) FROM shifted GROUP BY queue) AS counts
