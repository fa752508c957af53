-- When the secrets of all callers were replaced, as JSON.
SELECT substr(field, 16) AS caller, value FROM bullmq.meta WHERE queue = '' AND field LIKE 'webhook-secret:%'
