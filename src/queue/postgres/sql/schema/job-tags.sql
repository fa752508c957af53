-- The tags of jobs, by status and time of creation: an index cannot sort by them, because a job has several. Triggers keep them, so that
-- whatever changes or removes a job does. They run for jobs with options alone; any other costs the check.
CREATE TABLE IF NOT EXISTS accepted_queue.job_tags
  (queue text, id text, tag text, caller text NOT NULL, status text NOT NULL, added_at_ms bigint NOT NULL, PRIMARY KEY (id, queue, tag));
CREATE INDEX IF NOT EXISTS job_tags_by_caller ON accepted_queue.job_tags (queue, tag, caller, status, added_at_ms DESC, id COLLATE "C" DESC);
CREATE INDEX IF NOT EXISTS job_tags_of_all ON accepted_queue.job_tags ((queue || ':' || status), tag, added_at_ms DESC, id COLLATE "C" DESC);
CREATE OR REPLACE FUNCTION accepted_queue.keep_tags() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP = 'DELETE' THEN
      DELETE FROM accepted_queue.job_tags AS kept WHERE kept.queue = OLD.queue AND kept.id = OLD.id;
    ELSIF TG_OP = 'UPDATE' THEN
      UPDATE accepted_queue.job_tags AS kept SET status = job.now FROM (SELECT {{status}} AS now FROM (SELECT NEW.*) AS changed) AS job
       WHERE kept.queue = NEW.queue AND kept.id = NEW.id AND kept.status <> job.now;
    ELSE
      INSERT INTO accepted_queue.job_tags (queue, id, tag, caller, status, added_at_ms)
      SELECT queue, id, tag, name, {{status}}, added_at_ms
        FROM (SELECT NEW.*) AS added CROSS JOIN LATERAL jsonb_array_elements_text(
               CASE jsonb_typeof(opts #> '{submission,tags}') WHEN 'array' THEN opts #> '{submission,tags}' END) AS tags(tag)
          ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
  END $$;
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'bullmq.job'::regclass AND tgname = 'accepted_tags_removed') THEN
    CREATE TRIGGER accepted_tags_added AFTER INSERT ON bullmq.job
      FOR EACH ROW WHEN (NEW.opts ? 'submission') EXECUTE FUNCTION accepted_queue.keep_tags();
    CREATE TRIGGER accepted_tags_changed AFTER UPDATE OF state, failed_reason, deferred_failure, opts ON bullmq.job
      FOR EACH ROW WHEN (NEW.opts ? 'submission') EXECUTE FUNCTION accepted_queue.keep_tags();
    CREATE TRIGGER accepted_tags_removed AFTER DELETE ON bullmq.job
      FOR EACH ROW WHEN (OLD.opts ? 'submission') EXECUTE FUNCTION accepted_queue.keep_tags();
  END IF;
END $$
