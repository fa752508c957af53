-- The jobs of which an attempt must begin in time. Most jobs are not among them, and cost nothing here.
CREATE INDEX IF NOT EXISTS accepted_jobs_by_start ON bullmq.job (queue, {{start-by}}) WHERE opts ? 'startBy' AND state IN ('waiting', 'delayed')
