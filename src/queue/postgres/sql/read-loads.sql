-- How many jobs of each queue wait for a worker, wait for a time, and run, each state by itself, because BullMQ has an index for each;
-- and of the first of those that wait, what tells since when it does. $1 queues, $2 limit
SELECT queue,
       (SELECT count(*)::integer FROM
         (SELECT FROM bullmq.job WHERE queue = q.queue AND state = 'waiting' LIMIT $2::integer) AS waiting) AS waiting,
       (SELECT count(*)::integer FROM
         (SELECT FROM bullmq.job WHERE queue = q.queue AND state = 'delayed' LIMIT $2::integer) AS delayed) AS delayed,
       (SELECT count(*)::integer FROM
         (SELECT FROM bullmq.job WHERE queue = q.queue AND state = 'active' LIMIT $2::integer) AS active) AS running,
       (SELECT json_build_array(added_at_ms, processed_at_ms, progress, opts) FROM bullmq.job
         WHERE queue = q.queue AND state = 'waiting' ORDER BY priority, seq LIMIT 1) AS first
  FROM unnest($1::text[]) AS q(queue)
