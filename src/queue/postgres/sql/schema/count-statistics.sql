-- What PostgreSQL's planner knows of the numbers of jobs by status. Autovacuum keeps it up to date.
CREATE STATISTICS IF NOT EXISTS accepted_queue.job_counts (mcv) ON queue, ({{status}}) FROM bullmq.job
