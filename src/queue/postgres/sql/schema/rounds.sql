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
    own CONSTANT integer := (SELECT {{priority}} FROM (SELECT NEW.opts) AS added);
    first integer;
    last integer;
    before integer;
    found_place integer;
  BEGIN
    -- Of two transactions that add jobs of one caller, the second one sees what the first one has added. BullMQ's workers do not wait for them.
    IF TG_OP = 'INSERT' THEN PERFORM pg_advisory_xact_lock(hashtext(NEW.queue), hashtext(NEW.name)); END IF;
    SELECT priority INTO first FROM bullmq.job WHERE queue = NEW.queue AND {{in-round}} ORDER BY priority LIMIT 1;
    first := coalesce(first, {{rounds-from}} + 1);
    -- The turn of a parked job had come already.
    IF TG_OP = 'UPDATE' AND NEW.opts ->> 'slot' = 'parked' THEN
      NEW.priority := first;
      RETURN NEW;
    END IF;
    SELECT priority INTO last FROM bullmq.job WHERE queue = NEW.queue AND name = NEW.name AND {{in-round}} ORDER BY priority DESC LIMIT 1;
    NEW.priority := greatest(first, last + 1);
    IF own = 0 OR last IS NULL THEN RETURN NEW; END IF;
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
    SELECT min(priority) INTO found_place FROM lower;
    NEW.priority := coalesce(found_place, NEW.priority);
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
