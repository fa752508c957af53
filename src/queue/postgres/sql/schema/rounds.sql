-- Fairness: each caller has one job in a round, and rounds go one after the other. They are BullMQ's priorities from {{rounds-from}} on, by which
-- its index has the jobs in order; those of one round go in the order of their arrival. Triggers give a job its round when it begins to wait
-- for a worker, whatever it did before: BullMQ's functions keep a priority. A job that a worker has handed back or lost keeps its round.
DO $$ BEGIN
  IF to_regclass('bullmq.accepted_jobs_by_round') IS NULL THEN
    CREATE INDEX accepted_jobs_by_round ON bullmq.job (queue, name, priority) WHERE {{in-round}};
    CREATE INDEX accepted_urgent_jobs_by_round ON bullmq.job (queue, name, {{priority}}, priority) WHERE {{in-round}} AND {{priority}} > 0;
  END IF;
END $$;
CREATE OR REPLACE FUNCTION accepted_queue.take_turn() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE
    -- The most jobs that one with a priority moves back, because each costs an update. Of more, the last one of these goes to the end.
    most CONSTANT integer := 100;
    locked text;
    last integer;
    own integer;
    before integer;
    found_round integer;
  BEGIN
    IF current_setting('accepted.turn', true) = NEW.queue || ' ' || NEW.name THEN
      -- This transaction has just placed another job of the caller.
      last := current_setting('accepted.round')::integer;
    ELSE
      -- Of two transactions that add jobs of one caller, the second one sees what the first one has added. BullMQ's workers do not wait for them.
      IF TG_OP = 'INSERT' THEN locked := pg_advisory_xact_lock(hashtext(NEW.queue), hashtext(NEW.name)); END IF;
      last := (SELECT priority FROM bullmq.job WHERE queue = NEW.queue AND name = NEW.name AND {{in-round}} ORDER BY priority DESC LIMIT 1);
      locked := set_config('accepted.turn', NEW.queue || ' ' || NEW.name, true);
    END IF;
    -- A caller that waits has no job in a round that is over.
    NEW.priority := last + 1;
    IF last IS NULL OR NEW.opts ->> 'slot' = 'parked' THEN
      NEW.priority := coalesce((SELECT priority FROM bullmq.job WHERE queue = NEW.queue AND {{in-round}} ORDER BY priority LIMIT 1), {{rounds-from}} + 1);
    END IF;
    locked := set_config('accepted.round', greatest(NEW.priority, last)::text, true);
    -- The turn of a parked job had come already.
    IF last IS NULL OR NEW.opts ->> 'slot' = 'parked' OR NOT NEW.opts ? 'submission' THEN RETURN NEW; END IF;
    own := (SELECT {{priority}} FROM (SELECT NEW.opts) AS added);
    IF own = 0 THEN RETURN NEW; END IF;
    -- A job that is there already is not added.
    IF TG_OP = 'INSERT' AND EXISTS (SELECT FROM bullmq.job WHERE queue = NEW.queue AND id = NEW.id) THEN RETURN NEW; END IF;
    -- It goes before those of its caller with a lower priority, each of which gets the round of the next one.
    FOR level IN own .. 9 LOOP
      SELECT priority INTO before FROM bullmq.job
       WHERE queue = NEW.queue AND name = NEW.name AND {{in-round}} AND {{priority}} > 0 AND {{priority}} = level ORDER BY priority DESC LIMIT 1;
      EXIT WHEN FOUND;
    END LOOP;
    WITH lower AS (
      SELECT id, priority FROM bullmq.job WHERE queue = NEW.queue AND name = NEW.name AND {{in-round}} AND priority > coalesce(before, 0)
       ORDER BY priority LIMIT most FOR UPDATE SKIP LOCKED
    ),
    moved AS (
      UPDATE bullmq.job SET priority = moves.next
        FROM (SELECT id, lead(priority, 1, NEW.priority) OVER (ORDER BY priority) AS next FROM lower) AS moves
       WHERE job.queue = NEW.queue AND job.id = moves.id
    )
    SELECT min(priority) INTO found_round FROM lower;
    NEW.priority := coalesce(found_round, NEW.priority);
    RETURN NEW;
  END $$;
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'bullmq.job'::regclass AND tgname = 'accepted_turn_again') THEN
    CREATE TRIGGER accepted_turn BEFORE INSERT ON bullmq.job
      FOR EACH ROW WHEN (NEW.priority >= {{rounds-from}} AND NEW.state = 'waiting') EXECUTE FUNCTION accepted_queue.take_turn();
    CREATE TRIGGER accepted_turn_again BEFORE UPDATE OF state ON bullmq.job
      FOR EACH ROW WHEN (NEW.priority >= {{rounds-from}} AND NEW.state = 'waiting'
        AND (OLD.state <> 'active' OR NEW.attempts_made > OLD.attempts_made)) EXECUTE FUNCTION accepted_queue.take_turn();
  END IF;
END $$
