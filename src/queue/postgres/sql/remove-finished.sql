-- Removes some of the jobs that finished up to a time, but not one that is retried at this moment. BullMQ's events of that time go
-- too: those of completed jobs hold their results. Events that another session is removing are skipped. The counts of ends are kept for a
-- day.
-- $1 queue, $2 time, $3 limit, $4 the retention in milliseconds by which the caller reckoned that time: a job whose own is longer stays
-- for longer
WITH removed AS (
  DELETE FROM bullmq.job WHERE queue = $1 AND id IN (
    SELECT id FROM bullmq.job
     WHERE queue = $1 AND state IN ('completed', 'failed') AND finished_at_ms <= $2
       AND finished_at_ms <= $2 - greatest(0, coalesce({{retention}}, 0) - $4::float8) LIMIT $3)
     AND state IN ('completed', 'failed') AND finished_at_ms <= $2
RETURNING 1),
events AS (
  DELETE FROM bullmq.event WHERE queue = $1 AND id IN (
    SELECT id FROM bullmq.event WHERE queue = $1 AND created_at_ms <= $2 FOR UPDATE SKIP LOCKED)),
ends AS (
  DELETE FROM accepted_queue.job_ends WHERE queue = $1 AND minute <= extract(epoch FROM clock_timestamp()) / 60 - 1500)
SELECT count(*)::integer AS removed FROM removed
