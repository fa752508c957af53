-- The names of all job types that were ever added.
SELECT substr(field, 6) AS name FROM bullmq.meta WHERE queue = '' AND field LIKE 'type:%'
