-- How many jobs ended in each minute since 1970, for somewhat more than a day. BullMQ's own metrics cannot be read as of now, take a statement for each job,
-- and count canceled jobs as failed.
CREATE TABLE IF NOT EXISTS accepted_queue.job_ends
  (queue text, minute bigint, succeeded integer NOT NULL, failed integer NOT NULL, PRIMARY KEY (queue, minute))
