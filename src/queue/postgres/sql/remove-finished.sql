-- Removes some of the jobs that finished up to a time, but not one that is retried at this moment. BullMQ's events of that time go
-- too: those of completed jobs hold their results. Events that another session is removing are skipped. The counts of ends are kept for a
-- day.
-- Output takes so many steps that none is long; its jobs go after it.
-- $1 queue, $2 time, $3 limit, $4 the retention in milliseconds by which the caller reckoned that time: a job whose own is longer stays
-- for longer
WITH expired AS (
  SELECT id, opts ? 'output' AS has_output FROM bullmq.job
   WHERE queue = $1 AND state IN ('completed', 'failed') AND finished_at_ms <= $2
     AND finished_at_ms <= $2 - greatest(0, coalesce({{retention}}, 0) - $4::float8) LIMIT $3),
output AS (
  DELETE FROM accepted_queue.job_output WHERE ctid = ANY (ARRAY(
    SELECT kept.ctid FROM expired JOIN accepted_queue.job_output AS kept ON kept.queue = $1 AND kept.id = expired.id
     WHERE expired.has_output LIMIT {{removed-pieces}}))
RETURNING 1),
removed AS (
  DELETE FROM bullmq.job WHERE queue = $1 AND id IN (SELECT id FROM expired) AND state IN ('completed', 'failed') AND finished_at_ms <= $2
     AND (SELECT count(*) FROM output) < {{removed-pieces}}
RETURNING 1),
events AS (
  DELETE FROM bullmq.event WHERE queue = $1 AND id IN (
    SELECT id FROM bullmq.event WHERE queue = $1 AND created_at_ms <= $2 FOR UPDATE SKIP LOCKED)),
ends AS (
  DELETE FROM accepted_queue.job_ends WHERE queue = $1 AND minute <= extract(epoch FROM clock_timestamp()) / 60 - 1500)
SELECT (SELECT count(*) FROM removed)::integer + (SELECT count(*) FROM output)::integer AS removed
