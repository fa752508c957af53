-- The deliveries of a job. $1 queue, $2 id
SELECT ended_at::float8, state, ended, due_at::float8, leased FROM accepted_queue.deliveries WHERE queue = $1 AND job_id = $2 ORDER BY ended_at
