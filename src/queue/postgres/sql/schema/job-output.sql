-- What the functions of jobs publish while they run: pieces of JSON in order, and marks of further runs, which have none. Of each piece also how many
-- bytes of output the job has with it, which run wrote it, and how many pieces of that run there are with it. A trigger removes the output of a job
-- with the job, whatever removes that; it runs for jobs with output alone.
CREATE TABLE IF NOT EXISTS accepted_queue.job_output
  (queue text, id text, sequence integer, attempt integer NOT NULL, json text, used integer NOT NULL, run text NOT NULL, place integer NOT NULL,
   PRIMARY KEY (queue, id, sequence));
CREATE OR REPLACE FUNCTION accepted_queue.store_output
  (of_queue text, job_id text, token text, run_name text, of_attempt integer, stored integer, pieces text[], most integer, min_bytes integer)
  RETURNS integer LANGUAGE plpgsql VOLATILE AS $$
  DECLARE
    last accepted_queue.job_output;
    piece text;
    cost integer;
  BEGIN
    -- Until the end of this transaction the job stays with its worker, and another try of the same step waits.
    PERFORM FROM bullmq.job AS running WHERE running.queue = of_queue AND running.id = job_id AND running.state = 'active'
      AND running.lock_token = token AND running.attempts_made + 1 = of_attempt FOR NO KEY UPDATE;
    IF NOT FOUND THEN RETURN -1; END IF;
    SELECT * INTO last FROM accepted_queue.job_output AS kept WHERE kept.queue = of_queue AND kept.id = job_id ORDER BY sequence DESC LIMIT 1;
    IF NOT FOUND THEN
      IF cardinality(pieces) = 0 THEN RETURN 0; END IF;
      UPDATE bullmq.job AS running SET opts = opts || '{"output": true}' WHERE running.queue = of_queue AND running.id = job_id;
      last.sequence := 0;
      last.used := 0;
      last.place := 0;
    ELSIF last.run <> run_name THEN
      last.sequence := last.sequence + 1;
      last.used := last.used + min_bytes;
      last.place := 0;
      INSERT INTO accepted_queue.job_output VALUES (of_queue, job_id, last.sequence, of_attempt, NULL, last.used, run_name, 0);
    END IF;
    -- A step may have been done before, and its reply lost.
    last.place := greatest(last.place, stored);
    FOREACH piece IN ARRAY pieces[last.place - stored + 1:] LOOP
      cost := greatest(min_bytes, octet_length(piece));
      EXIT WHEN last.used + cost > most;
      last.sequence := last.sequence + 1;
      last.used := last.used + cost;
      last.place := last.place + 1;
      INSERT INTO accepted_queue.job_output VALUES (of_queue, job_id, last.sequence, of_attempt, piece, last.used, run_name, last.place);
    END LOOP;
    PERFORM pg_notify('accepted_output', concat_ws(E'\n', of_queue, job_id, last.sequence));
    RETURN last.place - stored;
  END $$;
CREATE OR REPLACE FUNCTION accepted_queue.remove_output() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    DELETE FROM accepted_queue.job_output AS kept WHERE kept.queue = OLD.queue AND kept.id = OLD.id;
    RETURN NULL;
  END $$;
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'bullmq.job'::regclass AND tgname = 'accepted_output_removed') THEN
    CREATE TRIGGER accepted_output_removed AFTER DELETE ON bullmq.job
      FOR EACH ROW WHEN (OLD.opts ? 'output') EXECUTE FUNCTION accepted_queue.remove_output();
  END IF;
END $$
