-- Adds a job unless its id is taken, and returns the job with that id. A statement does not see the rows that it added itself;
-- each statement of a function sees those of the one before.
CREATE OR REPLACE FUNCTION accepted_queue.add_once
  (of_queue text, job_id text, caller text, job_data jsonb, job_opts jsonb, added_at bigint, attempts integer,
   job_priority integer, job_delay bigint, deadline double precision)
  RETURNS SETOF bullmq.job LANGUAGE sql VOLATILE AS $$
    SELECT accepted_queue.before(deadline);
    SELECT bullmq.add_job(
      p_queue => of_queue, p_id => job_id, p_name => caller, p_data => job_data, p_opts => job_opts, p_priority => job_priority,
      p_delay => job_delay, p_timestamp => added_at, p_max_attempts => attempts, p_parent_queue => NULL, p_parent_id => NULL,
      p_parent_key => NULL, p_dedup_id => NULL, p_scheduler_id => NULL, p_lifo => false);
    SELECT * FROM bullmq.job WHERE job.queue = of_queue AND job.id = job_id;
  $$
