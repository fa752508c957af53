-- $1 queue
SELECT coalesce(max(id), 0)::text AS id FROM bullmq.event WHERE queue = $1
