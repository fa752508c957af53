-- Makes a delivery due at once, unless a process attempts it at this moment, or it has changed, for which there is no row.
-- $1 queue, $2 id of the job, $3 time of its end, $4 what had come of it, $5 what takes the place of that
UPDATE accepted_queue.deliveries SET state = $5, leased = false, due_at = floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint
 WHERE queue = $1 AND job_id = $2 AND ended_at = $3::bigint AND state = $4
   AND NOT (leased AND due_at > extract(epoch FROM clock_timestamp()) * 1000)
RETURNING job_id
