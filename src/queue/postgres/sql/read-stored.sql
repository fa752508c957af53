-- A part of a queue's jobs but for those that wait, by their ids. $1 queue, $2 the id after which they begin, $3 limit
SELECT {{stored}} FROM bullmq.job WHERE queue = $1 AND id > $2 AND state <> 'waiting' ORDER BY id LIMIT $3
