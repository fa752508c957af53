-- BullMQ keeps canceled jobs as failed, or as completed where they succeeded before they stopped. Without this index, counting them would
-- read all of these jobs.
CREATE INDEX IF NOT EXISTS accepted_canceled_jobs ON bullmq.job (queue, state) WHERE ({{status}}) = 'Canceled'
