-- About how many jobs of a queue have a status, by the planner's statistics: the exact number takes longer with every job.
CREATE OR REPLACE FUNCTION accepted_queue.estimate_jobs(of_queue text, of_status text) RETURNS integer LANGUAGE plpgsql VOLATILE AS $$
  DECLARE
    plan json;
  BEGIN
    EXECUTE format($query$EXPLAIN (FORMAT JSON) SELECT FROM bullmq.job WHERE queue = %L AND ({{status}}) = %L$query$, of_queue, of_status) INTO plan;
    RETURN (plan -> 0 -> 'Plan' ->> 'Plan Rows')::float8;
  END $$
