-- Adds jobs as another store had them, in any state, unless they are there already; BullMQ's functions add only new ones. A mark is kept
-- as the cancellation of a running job leaves it. Returns the ids of the added jobs.
-- $1 queue, then arrays: $2 ids, $3 callers, $4 states, $5 data, $6 options, $7 priorities, $8 delays, $9 numbers of attempts,
-- $10 attempts made, $11 progress, $12 results, $13 reasons of failures, $14 stack traces, $15 whether marked, $16 times of creation,
-- $17 of running, $18 of the start, $19 of the end, $20 lost workers
INSERT INTO bullmq.job (queue, id, seq, name, state, data, opts, priority, delay_ms, max_attempts, attempts_made, attempts_started, progress,
    return_value, failed_reason, stacktrace, deferred_failure, added_at_ms, process_at_ms, processed_at_ms, finished_at_ms, stalled_count)
SELECT $1, id, nextval('bullmq.job_seq'), name, state::bullmq.job_state, data::jsonb,
       CASE WHEN marked THEN opts::jsonb || jsonb_build_object('canceled', started_at) ELSE opts::jsonb - 'canceled' END,
       priority, delay, max_attempts, made, made, progress::jsonb, result::jsonb, reason, traces::jsonb,
       CASE WHEN marked AND state <> 'failed' THEN {{canceled}} END, added_at, due_at, started_at, finished_at, stalled
  FROM (
    SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::bigint[], $9::integer[], $10::integer[],
                $11::text[], $12::text[], $13::text[], $14::text[], $15::boolean[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[],
                $20::integer[])
      WITH ORDINALITY AS jobs(id, name, state, data, opts, priority, delay, max_attempts, made, progress, result, reason, traces, marked,
                added_at, due_at, started_at, finished_at, stalled, place)
     ORDER BY place
  ) AS ordered
    ON CONFLICT (queue, id) DO NOTHING
RETURNING id
