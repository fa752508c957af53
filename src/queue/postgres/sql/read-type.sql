-- Reads what an operator sees of a queue: the fields of `typeReadSchema`, and how many jobs it has by status, counted no further than a
-- limit, so that the cost does not grow with the number of jobs. Beyond it, `estimated` has what the planner knows.
-- Where a LIMIT is a parameter, PostgreSQL plans anew at each execution, which takes as long as the execution.
-- $1 queue, $2 the number of minutes
WITH clock AS (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now),
ends AS MATERIALIZED (
  SELECT minute, succeeded, failed FROM accepted_queue.job_ends, clock WHERE queue = $1 AND minute >= (now / 3600000 - 24) * 60
),
hours AS (SELECT minute / 60 AS hour, sum(succeeded) AS succeeded, sum(failed) AS failed FROM ends GROUP BY 1),
-- The first of each priority, of which ours are negative, and those whose turn it is: BullMQ's index has them in this order.
first AS (
  SELECT job.* FROM generate_series(-9, 20) AS level(priority) CROSS JOIN LATERAL (
    SELECT added_at_ms, process_at_ms, processed_at_ms, progress FROM bullmq.job
     WHERE queue = $1 AND state = 'waiting' AND job.priority = level.priority ORDER BY seq LIMIT 1) AS job
  UNION ALL (
    SELECT added_at_ms, process_at_ms, processed_at_ms, progress FROM bullmq.job WHERE queue = $1 AND {{in-round}} ORDER BY priority, seq LIMIT 20)
),
runs AS (
  -- BullMQ keeps the time before which a job does not run.
  SELECT CASE WHEN attempts_made <= 1 THEN greatest(added_at_ms, process_at_ms) END AS ready_at, processed_at_ms, finished_at_ms
    FROM bullmq.job WHERE queue = $1 AND state = 'completed' ORDER BY finished_at_ms DESC LIMIT {{sampled-runs}}
),
counted AS MATERIALIZED (
  SELECT
    (SELECT count(*) FROM (SELECT FROM bullmq.job WHERE queue = $1 AND state = 'waiting' LIMIT {{max-counted}}) AS up_to) AS waiting,
    (SELECT count(*) FROM (SELECT FROM bullmq.job WHERE queue = $1 AND state = 'delayed' LIMIT {{max-counted}}) AS up_to) AS delayed,
    (SELECT count(*) FROM (SELECT FROM bullmq.job WHERE queue = $1 AND state = 'waiting-children' LIMIT {{max-counted}}) AS up_to) AS parents,
    (SELECT count(*) FROM (SELECT FROM bullmq.job WHERE queue = $1 AND state = 'active' LIMIT {{max-counted}}) AS up_to) AS running,
    (SELECT count(*) FROM (SELECT FROM bullmq.job WHERE queue = $1 AND state = 'completed' LIMIT {{max-counted}}) AS up_to) AS completed,
    (SELECT count(*) FROM (SELECT FROM bullmq.job WHERE queue = $1 AND state = 'failed' LIMIT {{max-counted}}) AS up_to) AS failed,
    (SELECT count(*) FROM (SELECT FROM bullmq.job WHERE queue = $1 AND ({{status}}) = 'Canceled' AND state = 'completed'
      LIMIT {{max-counted}}) AS up_to) AS canceled_completed,
    (SELECT count(*) FROM (SELECT FROM bullmq.job WHERE queue = $1 AND ({{status}}) = 'Canceled' AND state = 'failed'
      LIMIT {{max-counted}}) AS up_to) AS canceled_failed
)
SELECT now::float8, EXISTS (SELECT FROM bullmq.meta WHERE queue = $1 AND field = 'paused') AS paused,
       (SELECT min(greatest(added_at_ms, process_at_ms, processed_at_ms,
                 CASE jsonb_typeof(progress -> 'at') WHEN 'number' THEN (progress ->> 'at')::float8::bigint END))
          FROM first)::float8 AS "oldestReadyAt",
       (SELECT coalesce(json_agg(json_build_array(ready_at, processed_at_ms, finished_at_ms)), '[]') FROM runs
         WHERE processed_at_ms IS NOT NULL) AS runs,
       (SELECT coalesce(json_agg(json_build_array(minute, succeeded, failed)), '[]') FROM ends
         WHERE minute >= now / 60000 - $2::integer) AS minutes,
       (SELECT coalesce(json_agg(json_build_array(hour, succeeded, failed)), '[]') FROM hours) AS hours,
       json_build_object(
         'pending', waiting + delayed + parents, 'running', running, 'succeeded', completed - canceled_completed,
         'failed', failed - canceled_failed, 'canceled', canceled_completed + canceled_failed) AS counted,
       json_build_object(
         'pending', CASE WHEN greatest(waiting, delayed, parents) >= {{max-counted}} THEN accepted_queue.estimate_jobs($1, 'Pending') END,
         'succeeded', CASE WHEN completed >= {{max-counted}} THEN accepted_queue.estimate_jobs($1, 'Succeeded') END,
         'failed', CASE WHEN failed >= {{max-counted}} THEN accepted_queue.estimate_jobs($1, 'Failed') END,
         'canceled', CASE WHEN greatest(canceled_completed, canceled_failed) >= {{max-counted}}
           THEN accepted_queue.estimate_jobs($1, 'Canceled') END) AS estimated
  FROM clock CROSS JOIN counted
