-- Adds the jobs of a batch in their order, each by BullMQ's own function; a statement that is late is undone as a whole.
-- $1 queue, $2 ids, $3 callers, $4 data, $5 options, $6 times of creation, $7 attempts, $8 priorities, $9 delays, $10 deadline
SELECT bullmq.add_job(
         p_queue => $1, p_id => id, p_name => caller, p_data => data::jsonb, p_opts => opts::jsonb, p_priority => priority,
         p_delay => delay, p_timestamp => added_at, p_max_attempts => attempts, p_parent_queue => NULL, p_parent_id => NULL,
         p_parent_key => NULL, p_dedup_id => NULL, p_scheduler_id => NULL, p_lifo => false)
  FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::integer[],
              $8::integer[], $9::bigint[])
       AS jobs(id, caller, data, opts, added_at, attempts, priority, delay)
 WHERE accepted_queue.before($10::float8)
