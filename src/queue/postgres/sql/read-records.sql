-- $1 queue, $2 ids
SELECT {{record}} FROM bullmq.job WHERE queue = $1 AND id = ANY($2::text[])
