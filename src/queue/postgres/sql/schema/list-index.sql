-- BullMQ has no index of jobs by status and time of creation: without one for each caller and one over all, the cost of a page of a list
-- would grow with the number of jobs. They only read BullMQ's columns, and BullMQ's statements do not depend on them. Even if an index is
-- there, CREATE INDEX IF NOT EXISTS waits for the transactions that write. A store that has jobs gets the second one later, beside its work.
DO $$ BEGIN
  IF to_regclass('bullmq.accepted_jobs_by_status') IS NULL THEN
    CREATE INDEX accepted_jobs_by_status
      ON bullmq.job (queue, name, ({{status}}), added_at_ms DESC, id COLLATE "C" DESC);
  END IF;
  IF to_regclass('bullmq.accepted_all_jobs_by_status') IS NULL AND NOT EXISTS (SELECT FROM bullmq.job) THEN
    CREATE INDEX {{all-index}};
  END IF;
END $$;
-- Of an earlier version, which computed the status otherwise.
DROP INDEX IF EXISTS bullmq.accepted_job_list
