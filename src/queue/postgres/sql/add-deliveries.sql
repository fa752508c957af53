-- Adds deliveries of a job as another store had them, unless they are there already.
-- $1 queue, $2 id of the job, $3 caller, $4 receiver, then arrays: $5 times of the ends, $6 what came of each so far, $7 the job as it ended,
-- or null, $8 when it is due, or null
INSERT INTO accepted_queue.deliveries (queue, job_id, caller, receiver, ended_at, state, ended, due_at)
SELECT $1, $2, $3, $4, ended_at, state, ended::jsonb, due_at
  FROM unnest($5::bigint[], $6::text[], $7::text[], $8::bigint[]) AS deliveries(ended_at, state, ended, due_at)
    ON CONFLICT DO NOTHING
