-- Stores output of a job that a worker runs behind the output that the job has: how many of the pieces are stored now, or -1 if the worker no longer
-- has the job. $1 queue, $2 id, $3 token of the lock, $4 name of the run, $5 number of the attempt, $6 how many pieces of the run were stored before,
-- $7 JSON of the pieces, $8 the most bytes of a job's output, $9 the bytes that each piece counts as at least
SELECT accepted_queue.store_output($1, $2, $3, $4, $5::integer, $6::integer, $7::text[], $8::integer, $9::integer) AS stored
