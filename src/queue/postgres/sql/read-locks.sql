-- The running jobs whose locks are a worker's. $1 queue, $2 what its tokens begin with, $3 the time since which they may have been started
SELECT id, lock_token AS token FROM bullmq.job
 WHERE queue = $1 AND state = 'active' AND starts_with(lock_token, $2) AND processed_at_ms >= $3::bigint
