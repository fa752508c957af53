-- $1 queue, $2 id
SELECT data FROM bullmq.job WHERE queue = $1 AND id = $2
