-- The numbers of jobs that have not finished, and of those that have. $1 queue
SELECT (count(*) FILTER (WHERE state NOT IN ('completed', 'failed')))::integer AS waiting,
       (count(*) FILTER (WHERE state IN ('completed', 'failed')))::integer AS finished
  FROM bullmq.job WHERE queue = $1
