-- In one step: puts failed or canceled jobs back, with its history and some more attempts, to run at once. No row: it was neither. The new progress
-- is dated no earlier than the one before and the end.
-- $1 queue, $2 ids, $3 attempts, $4 progress, $5 deadline
WITH retried AS (
  UPDATE bullmq.job
     SET state = 'waiting', seq = nextval('bullmq.job_seq'), process_at_ms = NULL, finished_at_ms = NULL,
         return_value = NULL, failed_reason = NULL, deferred_failure = NULL, stalled_count = 0,
         progress = $4::jsonb || jsonb_build_object(
           'at', greatest(($4::jsonb ->> 'at')::bigint, (progress ->> 'at')::bigint, finished_at_ms)),
         max_attempts = attempts_made + $3::integer,
         opts = jsonb_set(opts - '{canceled,expired,startBy,delay,slot}'::text[] #- '{submission,startBefore}' #- '{submission,scheduledFor}',
           '{attempts}', to_jsonb(attempts_made + $3::integer))
   WHERE queue = $1 AND id = ANY($2::text[])
     AND (state = 'failed' OR (state = 'completed' AND deferred_failure = {{canceled}}))
     AND accepted_queue.before($5::float8)
RETURNING *)
SELECT {{record}}, pg_notify('bullmq_jobs', queue),
       bullmq.publish_event(p_queue => queue, p_event => 'waiting',
         p_data => jsonb_build_object('jobId', id, 'prev', 'failed'))
  FROM retried
