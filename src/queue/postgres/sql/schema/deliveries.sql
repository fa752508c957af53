-- Webhooks: how the end of a job is told, by when it is due. Triggers make a delivery in the transaction in which a job ends, whatever ends it,
-- and remove it with the job. They run for jobs with a webhook alone; any other costs the check. `state` has what came of it so far, '' at
-- first, and `ended` the job as it ended, unless it succeeded and so stays as it is. A process may attempt a leased one until it is due.
CREATE TABLE IF NOT EXISTS accepted_queue.deliveries
  (queue text, job_id text, ended_at bigint, caller text NOT NULL, receiver text NOT NULL, due_at bigint, leased boolean NOT NULL DEFAULT false,
   state text NOT NULL DEFAULT '', ended jsonb, PRIMARY KEY (job_id, queue, ended_at));
CREATE INDEX IF NOT EXISTS deliveries_due ON accepted_queue.deliveries (caller, receiver, due_at) WHERE due_at IS NOT NULL;
CREATE OR REPLACE FUNCTION accepted_queue.keep_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP = 'DELETE' THEN
      DELETE FROM accepted_queue.deliveries AS kept WHERE kept.queue = OLD.queue AND kept.job_id = OLD.id;
      RETURN NULL;
    END IF;
    INSERT INTO accepted_queue.deliveries (queue, job_id, ended_at, caller, receiver, due_at, ended)
    SELECT job.queue, id, finished_at_ms, name, coalesce(opts #>> '{submission,webhook,receiver}', ''),
           floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint,
           CASE WHEN ({{status}}) <> 'Succeeded' THEN (SELECT to_jsonb(fields) || '{"result": null}' FROM (SELECT {{record}}) AS fields) END
      FROM (SELECT NEW.*) AS job
        ON CONFLICT DO NOTHING;
    DELETE FROM accepted_queue.deliveries AS kept WHERE kept.queue = NEW.queue AND kept.job_id = NEW.id AND ended_at <= (
      SELECT ended_at FROM accepted_queue.deliveries AS others WHERE others.queue = NEW.queue AND others.job_id = NEW.id
       ORDER BY ended_at DESC OFFSET {{most-deliveries}} LIMIT 1);
    RETURN NULL;
  END $$;
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'bullmq.job'::regclass AND tgname = 'accepted_deliveries_removed') THEN
    CREATE TRIGGER accepted_end_told AFTER UPDATE OF state ON bullmq.job
      FOR EACH ROW WHEN (NEW.state IN ('completed', 'failed') AND OLD.state NOT IN ('completed', 'failed')
        AND NEW.opts #> '{submission,webhook}' IS NOT NULL) EXECUTE FUNCTION accepted_queue.keep_deliveries();
    CREATE TRIGGER accepted_deliveries_removed AFTER DELETE ON bullmq.job
      FOR EACH ROW WHEN (OLD.opts #> '{submission,webhook}' IS NOT NULL) EXECUTE FUNCTION accepted_queue.keep_deliveries();
  END IF;
END $$
