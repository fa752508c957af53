-- In one step, of each of these jobs: ends one that waits, marks a running one, and leaves one that is done (no row). BullMQ clears the mark
-- (`deferred_failure`) of a job that fails, but keeps its options. They name the run that was canceled, as BullMQ's own retry begins another. A flow's parent and a deduplication key are treated as BullMQ does
-- when a job fails.
-- $1 queue, $2 ids, $3 time, $4 whether to end only a job that has the mark, $5 deadline
WITH canceled AS (
  UPDATE bullmq.job
     SET state = CASE WHEN state = 'active' THEN state ELSE 'failed' END,
         deferred_failure = CASE WHEN state = 'active' THEN {{canceled}} END,
         opts = CASE WHEN state = 'active' THEN opts || jsonb_build_object('canceled', processed_at_ms) ELSE opts END,
         failed_reason = CASE WHEN state = 'active' THEN failed_reason ELSE {{canceled}} END,
         finished_at_ms = CASE WHEN state <> 'active' THEN $3::bigint END
   WHERE queue = $1 AND id = ANY($2::text[]) AND state IN ('waiting', 'delayed', 'waiting-children', 'active')
     AND (NOT $4::boolean OR deferred_failure = {{canceled}}) AND accepted_queue.before($5::float8)
RETURNING *)
SELECT {{record}},
       CASE WHEN state = 'failed' THEN bullmq.publish_event(p_queue => queue, p_event => 'failed',
         p_data => jsonb_build_object('jobId', id, 'failedReason', {{canceled}}, 'prev', 'waiting'))
       ELSE bullmq.publish_event(p_queue => queue, p_event => 'cancelRequested', p_data => jsonb_build_object('jobId', id)) END,
       CASE WHEN state = 'failed' AND parent_id IS NOT NULL THEN bullmq.handle_child_failure(
         p_queue => queue, p_id => id, p_reason => {{canceled}}, p_now => $3::bigint) END,
       CASE WHEN state = 'failed' AND dedup_id IS NOT NULL THEN bullmq.dedup_finalize(
         p_queue => queue, p_dedup_id => dedup_id, p_job_id => id, p_now => $3::bigint) END
  FROM canceled
