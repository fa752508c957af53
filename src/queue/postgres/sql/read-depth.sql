-- How many jobs wait for a worker or for their next attempt. Each state by itself, because BullMQ has an index for each.
-- $1 queue, $2 limit
SELECT least($2::integer,
  (SELECT count(*) FROM (SELECT FROM bullmq.job WHERE queue = $1 AND state = 'waiting' LIMIT $2::integer) AS waiting) +
  (SELECT count(*) FROM (SELECT FROM bullmq.job WHERE queue = $1 AND state = 'delayed' LIMIT $2::integer) AS delayed)
)::integer AS depth
