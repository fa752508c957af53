-- Stores a job's result before BullMQ completes the job. BullMQ copies a return value into its events, where it would outlive the job.
-- The commit need not reach the disk by itself: the log is written in order, so it does so with the one that completes the job.
-- $1 queue, $2 id, $3 lock, $4 result
WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
UPDATE bullmq.job SET opts = opts || jsonb_build_object('result', $4::jsonb)
  FROM quick
 WHERE queue = $1 AND id = $2 AND state = 'active' AND lock_token = $3
