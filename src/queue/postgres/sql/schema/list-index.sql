-- BullMQ has no index of a caller's jobs by status and time of creation: without this one, the cost of a page of a list would grow
-- with the number of jobs. It only reads BullMQ's columns, and BullMQ's statements do not depend on it.
CREATE INDEX IF NOT EXISTS accepted_jobs_by_status
  ON bullmq.job (queue, name, ({{status}}), added_at_ms DESC, id COLLATE "C" DESC);
-- Of an earlier version, which computed the status otherwise.
DROP INDEX IF EXISTS bullmq.accepted_job_list
