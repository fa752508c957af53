-- Has jobs go through all functions and triggers that stand beside BullMQ's tables, which PostgreSQL looks into only when it runs them. To be
-- rolled back.
DO $$
  DECLARE
    q CONSTANT text := 'accepted-probe';
    forever CONSTANT float8 := 'infinity';
    opts CONSTANT jsonb := '{"submission": {"tags": ["probe"], "priority": 1, "dedupe": {"tag": "dedupe:probe", "mode": "last", "until": 60000},
      "webhook": {"receiver": "probe"} } }';
    at CONSTANT bigint := floor(extract(epoch FROM clock_timestamp()) * 1000);
  BEGIN
    -- The second one gets the job of the first.
    PERFORM accepted_queue.add_once(q, 'first', 'caller', '{"input": 1}', opts, at, 1, {{rounds-from}}, 0, forever);
    PERFORM accepted_queue.add_once(q, 'twin', 'caller', '{"input": 2}', opts, at, 1, {{rounds-from}}, 0, forever);
    PERFORM accepted_queue.add_batch(q, 'batch:probe', '{second}', '{caller}', '{"{}"}', '{"{\"submission\": {\"tags\": [\"batch:probe\"]} }"}',
      ARRAY[at], '{1}', ARRAY[{{rounds-from}}], '{0}', forever);
    UPDATE bullmq.job SET state = 'active', lock_token = 'token' WHERE queue = q;
    PERFORM accepted_queue.store_output(q, id, 'token', run, attempts_made + 1, 0, '{1}', 1000, 64)
       FROM bullmq.job, unnest('{run,further}'::text[]) AS runs(run) WHERE queue = q;
    PERFORM accepted_queue.take_slot(q, id, 'token', 1) FROM bullmq.job WHERE queue = q;
    UPDATE bullmq.job SET state = 'waiting', attempts_made = attempts_made + 1 WHERE queue = q AND state = 'active';
    PERFORM accepted_queue.free_slots(q, 'caller', 2);
    UPDATE bullmq.job SET state = 'failed', finished_at_ms = at, failed_reason = 'probe' WHERE queue = q;
    DELETE FROM bullmq.job WHERE queue = q;
  END $$
