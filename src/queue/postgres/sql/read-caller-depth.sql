-- How many jobs of a caller wait for a worker or for their next attempt, by the index of lists.
-- $1 queue, $2 caller, $3 limit
SELECT count(*)::integer AS depth FROM (
  SELECT FROM bullmq.job WHERE queue = $1 AND name = $2 AND ({{status}}) = 'Pending' LIMIT $3::integer
) AS pending
