-- Whether the index of lists over all callers is there, and not only begun.
SELECT EXISTS (
  SELECT FROM pg_index WHERE indexrelid = to_regclass('bullmq.accepted_all_jobs_by_status') AND indisvalid) AS valid
