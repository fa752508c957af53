-- Adds the jobs of a batch unless there is a job with the batch's tag, and returns one that has it. The lock makes two submissions of one batch
-- follow each other, and each statement of a function sees what was committed before it began.
CREATE OR REPLACE FUNCTION accepted_queue.add_batch
  (of_queue text, batch_tag text, ids text[], callers text[], all_data text[], all_opts text[], added_at bigint[], all_attempts integer[],
   priorities integer[], delays bigint[], deadline double precision)
  RETURNS SETOF bullmq.job LANGUAGE sql VOLATILE AS $$
    SELECT pg_advisory_xact_lock(hashtextextended('accepted:' || of_queue || ':' || batch_tag, 0));
    SELECT accepted_queue.before(deadline);
    SELECT bullmq.add_job(
             p_queue => of_queue, p_id => id, p_name => caller, p_data => data::jsonb, p_opts => opts::jsonb, p_priority => priority,
             p_delay => delay, p_timestamp => added, p_max_attempts => attempts, p_parent_queue => NULL, p_parent_id => NULL,
             p_parent_key => NULL, p_dedup_id => NULL, p_scheduler_id => NULL, p_lifo => false)
      FROM unnest(ids, callers, all_data, all_opts, added_at, all_attempts, priorities, delays)
           AS jobs(id, caller, data, opts, added, attempts, priority, delay)
     WHERE NOT EXISTS (SELECT FROM accepted_queue.job_tags AS tagged WHERE tagged.queue = of_queue AND tagged.tag = batch_tag);
    SELECT * FROM bullmq.job WHERE job.queue = of_queue AND job.id = (
      SELECT tagged.id FROM accepted_queue.job_tags AS tagged WHERE tagged.queue = of_queue AND tagged.tag = batch_tag LIMIT 1);
  $$
