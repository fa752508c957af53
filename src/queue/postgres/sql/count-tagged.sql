-- Counts the jobs with a tag by their status, by the index of tags. $1 queue, $2 tag, $3 caller, or null for any
SELECT min(caller) AS caller, min(added_at_ms)::float8 AS created_at,
       (count(*) FILTER (WHERE status = 'Pending'))::integer AS pending, (count(*) FILTER (WHERE status = 'Running'))::integer AS running,
       (count(*) FILTER (WHERE status = 'Succeeded'))::integer AS succeeded, (count(*) FILTER (WHERE status = 'Failed'))::integer AS failed,
       (count(*) FILTER (WHERE status = 'Canceled'))::integer AS canceled
  FROM accepted_queue.job_tags
 WHERE queue = $1 AND tag = $2 AND ($3::text IS NULL OR caller = $3)
HAVING count(*) > 0
