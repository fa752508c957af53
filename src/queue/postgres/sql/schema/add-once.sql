-- Adds a job unless its id is taken, or one waits for its first attempt with the same deduplication id, and returns the job that there is then.
CREATE OR REPLACE FUNCTION accepted_queue.add_once
  (of_queue text, job_id text, caller text, job_data jsonb, job_opts jsonb, added_at bigint, attempts integer,
   job_priority integer, job_delay bigint, deadline double precision)
  RETURNS SETOF bullmq.job LANGUAGE plpgsql VOLATILE AS $$
  DECLARE
    dedupe jsonb := job_opts #> '{submission,dedupe}';
    now_ms float8;
    twin text;
  BEGIN
    PERFORM accepted_queue.before(deadline);
    IF dedupe IS NOT NULL AND NOT EXISTS (SELECT FROM bullmq.job WHERE job.queue = of_queue AND job.id = job_id) THEN
      -- One at a time, so that the next finds the job of this one.
      PERFORM pg_advisory_xact_lock(hashtextextended(concat_ws(E'\n', of_queue, caller, dedupe ->> 'tag'), 0));
      now_ms := extract(epoch FROM clock_timestamp()) * 1000;
      SELECT job.id INTO twin
        FROM accepted_queue.job_tags AS tagged JOIN bullmq.job USING (queue, id)
       WHERE tagged.queue = of_queue AND tagged.tag = dedupe ->> 'tag' AND tagged.caller = add_once.caller AND tagged.status = 'Pending'
         AND job.state IN ('waiting', 'delayed') AND job.processed_at_ms IS NULL
         AND coalesce((job.opts #>> '{submission,dedupe,until}')::float8 > now_ms, true)
         AND coalesce({{start-by}} > now_ms, true)
       ORDER BY job.added_at_ms DESC LIMIT 1 FOR UPDATE OF job;
      -- The locks may have taken long.
      PERFORM accepted_queue.before(deadline);
      IF dedupe ->> 'mode' = 'last' THEN
        UPDATE bullmq.job SET data = job.data || jsonb_build_object('input', job_data -> 'input', 'requestId', job_data -> 'requestId')
         WHERE job.queue = of_queue AND job.id = twin;
      END IF;
    END IF;
    IF twin IS NULL THEN
      PERFORM bullmq.add_job(
        p_queue => of_queue, p_id => job_id, p_name => caller, p_data => job_data, p_opts => job_opts, p_priority => job_priority,
        p_delay => job_delay, p_timestamp => added_at, p_max_attempts => attempts, p_parent_queue => NULL, p_parent_id => NULL,
        p_parent_key => NULL, p_dedup_id => NULL, p_scheduler_id => NULL, p_lifo => false);
    END IF;
    RETURN QUERY SELECT * FROM bullmq.job WHERE job.queue = of_queue AND job.id = coalesce(twin, job_id);
  END $$
