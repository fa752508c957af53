-- Of these jobs, the ones that were canceled while they ran. $1 queue, $2 ids
SELECT id FROM bullmq.job WHERE queue = $1 AND id = ANY($2::text[]) AND deferred_failure = {{canceled}}
