-- Ends a job that a worker has taken too late for its first attempt, or keeps that an attempt has begun, after which it no longer expires.
-- No row: the worker no longer has the job; this step may have been done before, and its reply lost.
-- $1 queue, $2 id, $3 token of the lock
WITH decided AS (
  SELECT now, coalesce({{start-by}} <= now, false) AS is_late
    FROM bullmq.job, (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) AS clock WHERE queue = $1 AND id = $2
),
begun AS (
  UPDATE bullmq.job
     SET opts = CASE WHEN is_late THEN opts - 'startBy' || jsonb_build_object('expired', now) ELSE opts - 'startBy' END,
         state = CASE WHEN is_late THEN 'failed' ELSE state END,
         failed_reason = CASE WHEN is_late THEN {{canceled}} ELSE failed_reason END,
         finished_at_ms = CASE WHEN is_late THEN now END,
         processed_at_ms = CASE WHEN NOT is_late THEN processed_at_ms END,
         deferred_failure = CASE WHEN NOT is_late THEN deferred_failure END,
         lock_token = CASE WHEN NOT is_late THEN lock_token END,
         locked_until_ms = CASE WHEN NOT is_late THEN locked_until_ms END
    FROM decided
   WHERE queue = $1 AND id = $2 AND state = 'active' AND lock_token = $3
RETURNING queue, id, is_late)
SELECT is_late AS ended,
       CASE WHEN is_late THEN bullmq.publish_event(p_queue => queue, p_event => 'failed',
         p_data => jsonb_build_object('jobId', id, 'failedReason', {{canceled}}, 'prev', 'active')) END
  FROM begun
