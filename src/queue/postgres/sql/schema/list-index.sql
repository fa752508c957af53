-- BullMQ has no index of a caller's jobs by status and time of creation: without this one, the cost of a page of a list would grow
-- with the number of jobs. It only reads BullMQ's columns, and BullMQ's statements do not depend on it.
CREATE INDEX IF NOT EXISTS accepted_job_list
  ON bullmq.job (queue, name, ({{status}}), added_at_ms DESC, id COLLATE "C" DESC)
