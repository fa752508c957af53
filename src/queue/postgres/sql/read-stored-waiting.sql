-- A part of a queue's waiting jobs, in their order: by the columns of the table, since that of the same name in the reply is text.
-- $1 queue, $2 and $3 priority and place after which they begin, $4 limit
SELECT {{stored}} FROM bullmq.job
 WHERE queue = $1 AND state = 'waiting' AND (priority, seq) > ($2::integer, $3::bigint)
 ORDER BY job.priority, job.seq LIMIT $4
