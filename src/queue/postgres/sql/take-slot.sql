-- Lets a job that a worker has taken run, or parks it. $1 queue, $2 id, $3 token of the lock, $4 the most jobs of a caller
SELECT accepted_queue.take_slot($1, $2, $3, $4::integer) AS slot
