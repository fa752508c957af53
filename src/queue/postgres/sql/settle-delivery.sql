-- Keeps what came of an attempt, unless another process has taken the delivery since, for which there is no row.
-- $1 queue, $2 id of the job, $3 time of its end, $4 until when it might be attempted, $5 what came of it, $6 milliseconds until it is due
-- again, or null if it is done
UPDATE accepted_queue.deliveries
   SET state = $5, leased = false, due_at = floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint + $6::bigint
 WHERE queue = $1 AND job_id = $2 AND ended_at = $3::bigint AND leased AND due_at = $4::bigint
RETURNING job_id
