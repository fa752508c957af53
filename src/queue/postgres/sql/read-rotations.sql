-- When a caller's secret was replaced, as JSON. No job type has an empty name. $1 caller
SELECT value FROM bullmq.meta WHERE queue = '' AND field = 'webhook-secret:' || $1::text
