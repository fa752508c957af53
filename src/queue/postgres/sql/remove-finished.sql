-- Removes some of the jobs that finished up to a time, but not one that is retried at this moment.
-- $1 queue, $2 time, $3 limit
WITH removed AS (
  DELETE FROM bullmq.job WHERE queue = $1 AND id IN (
    SELECT id FROM bullmq.job
     WHERE queue = $1 AND state IN ('completed', 'failed') AND finished_at_ms <= $2 LIMIT $3)
     AND state IN ('completed', 'failed') AND finished_at_ms <= $2
RETURNING 1)
SELECT count(*)::integer AS removed FROM removed
