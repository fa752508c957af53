-- How many jobs wait, counted no further than any poller is asked to wait for; whether the queue is paused; the runs of the last
-- jobs that succeeded; the ids of the first that wait, in their order; and whether callers take turns.
-- $1 queue, $2 number of runs, $3 of those that wait
SELECT (SELECT count(*)::integer FROM
         (SELECT FROM bullmq.job WHERE queue = $1 AND state = 'waiting' LIMIT 10000) AS waiting) AS waiting,
       EXISTS (SELECT FROM bullmq.meta WHERE queue = $1 AND field = 'paused') AS paused,
       (SELECT coalesce(json_agg(json_build_object('startedAt', processed_at_ms, 'finishedAt', finished_at_ms)), '[]') FROM
         (SELECT processed_at_ms, finished_at_ms FROM bullmq.job
           WHERE queue = $1 AND state = 'completed' ORDER BY finished_at_ms DESC LIMIT $2) AS last) AS runs,
       (SELECT coalesce(json_agg(id ORDER BY priority, seq), '[]') FROM
         (SELECT id, priority, seq FROM bullmq.job WHERE queue = $1 AND state = 'waiting'
           ORDER BY priority, seq LIMIT $3::integer) AS first) AS "firstWaiting",
       EXISTS (SELECT FROM bullmq.job WHERE queue = $1 AND {{in-round}}) AS fair
