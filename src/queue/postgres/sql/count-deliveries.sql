-- How many deliveries wait, or are being attempted. $1 limit
SELECT count(*)::integer AS count FROM (SELECT FROM accepted_queue.deliveries WHERE due_at IS NOT NULL LIMIT $1::integer) AS up_to
