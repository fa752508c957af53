-- Ends waiting jobs of which no attempt began in time, each as a cancellation does. What a worker takes at this moment is left to it.
-- $1 queues, $2 the most jobs of each
WITH clock AS (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now),
due AS (
  SELECT job.queue, job.id FROM clock CROSS JOIN unnest($1::text[]) AS queues(queue) CROSS JOIN LATERAL (
    SELECT job.queue, id FROM bullmq.job
     WHERE job.queue = queues.queue AND opts ? 'startBy' AND state IN ('waiting', 'delayed') AND {{start-by}} <= now
     ORDER BY {{start-by}} LIMIT $2::integer FOR UPDATE SKIP LOCKED
  ) AS job
),
expired AS (
  UPDATE bullmq.job
     SET state = 'failed', failed_reason = {{canceled}}, deferred_failure = NULL, processed_at_ms = NULL, finished_at_ms = now,
         opts = opts - 'startBy' || jsonb_build_object('expired', now)
    FROM due CROSS JOIN clock
   WHERE job.queue = due.queue AND job.id = due.id
RETURNING job.queue, job.id)
SELECT id, bullmq.publish_event(p_queue => queue, p_event => 'failed',
         p_data => jsonb_build_object('jobId', id, 'failedReason', {{canceled}}, 'prev', 'waiting'))
  FROM expired
