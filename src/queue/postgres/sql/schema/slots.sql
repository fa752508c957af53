-- Bounds how many jobs of a caller run at once. BullMQ bounds all jobs of a queue together. Of a job that may run, `opts.slot` is the token of
-- its lock; one that may not yet is 'parked' among the delayed jobs, as if it had not been taken, and then waits for a worker again.
DO $$ BEGIN
  IF to_regclass('bullmq.accepted_slots') IS NULL THEN
    CREATE INDEX accepted_slots ON bullmq.job (queue, state, name, priority, seq) WHERE opts ? 'slot' AND state IN ('active', 'waiting', 'delayed');
  END IF;
END $$;
-- How many jobs of a caller run or are to run next. Holds a lock until the end of the transaction.
CREATE OR REPLACE FUNCTION accepted_queue.count_slots(of_queue text, caller text) RETURNS integer LANGUAGE plpgsql VOLATILE AS $$
  BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('accepted:slots:' || of_queue || ':' || caller));
    RETURN (SELECT count(*) FROM bullmq.job WHERE queue = of_queue AND name = caller AND opts ? 'slot'
             AND ((state = 'active' AND opts ->> 'slot' = lock_token) OR (state = 'waiting' AND opts ->> 'slot' = 'parked')));
  END $$;
CREATE OR REPLACE FUNCTION accepted_queue.take_slot(of_queue text, job_id text, token text, most integer) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
  DECLARE
    job bullmq.job;
  BEGIN
    SELECT * INTO job FROM bullmq.job AS taken
     WHERE taken.queue = of_queue AND taken.id = job_id AND taken.state = 'active' AND taken.lock_token = token;
    IF NOT FOUND THEN RETURN 'lost'; END IF;
    IF job.opts ->> 'slot' = token OR accepted_queue.count_slots(of_queue, job.name) < most THEN
      UPDATE bullmq.job AS taken SET opts = opts || jsonb_build_object('slot', token) WHERE taken.queue = of_queue AND taken.id = job_id;
      RETURN 'run';
    END IF;
    UPDATE bullmq.job AS taken
       SET state = 'delayed', process_at_ms = {{parked-until}}, opts = opts || '{"slot": "parked"}', processed_at_ms = NULL, lock_token = NULL,
           locked_until_ms = NULL, attempts_started = attempts_started - 1
     WHERE taken.queue = of_queue AND taken.id = job_id;
    PERFORM bullmq.publish_event(p_queue => of_queue, p_event => 'waiting', p_data => jsonb_build_object('jobId', job_id, 'prev', 'active'));
    RETURN 'parked';
  END $$;
-- Lets the first parked jobs of a caller wait for a worker, as many as may run.
CREATE OR REPLACE FUNCTION accepted_queue.free_slots(of_queue text, caller text, most integer) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
  DECLARE
    job_id text;
  BEGIN
    FOR job_id IN
      WITH next AS (
        SELECT id FROM bullmq.job
         WHERE queue = of_queue AND state = 'delayed' AND name = caller AND opts ? 'slot' AND opts ->> 'slot' = 'parked'
         ORDER BY priority, seq LIMIT greatest(0, most - accepted_queue.count_slots(of_queue, caller)) FOR UPDATE SKIP LOCKED
      )
      UPDATE bullmq.job SET state = 'waiting', process_at_ms = NULL FROM next WHERE job.queue = of_queue AND job.id = next.id RETURNING job.id
    LOOP
      PERFORM bullmq.publish_event(p_queue => of_queue, p_event => 'waiting', p_data => jsonb_build_object('jobId', job_id, 'prev', 'delayed'));
      PERFORM pg_notify('bullmq_jobs', of_queue);
    END LOOP;
  END $$
