-- Lets parked jobs wait for a worker: those of one caller, of which a job has left its worker, or those of some callers.
-- $1 queue, $2 the most jobs of a caller, $3 id of the job that has left its worker, or null, $4 the most callers
WITH RECURSIVE callers AS (
  (SELECT name FROM bullmq.job WHERE queue = $1 AND id = $3::text UNION ALL
   (SELECT name FROM bullmq.job WHERE $3::text IS NULL AND queue = $1 AND state = 'delayed' AND opts ? 'slot' ORDER BY name LIMIT 1))
  UNION ALL
  SELECT (SELECT name FROM bullmq.job WHERE queue = $1 AND state = 'delayed' AND opts ? 'slot' AND name > callers.name ORDER BY name LIMIT 1)
    FROM callers WHERE $3::text IS NULL AND callers.name IS NOT NULL
)
SELECT accepted_queue.free_slots($1, name, $2::integer) FROM (SELECT name FROM callers WHERE name IS NOT NULL LIMIT $4::integer) AS served
