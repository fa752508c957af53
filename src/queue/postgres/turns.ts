/** Where the statements of workers look for functions: in a schema of ours before BullMQ's. */
export const WORKER_SEARCH_PATH = 'accepted,bullmq';

/**
 * BullMQ's functions that take a job first make all jobs wait whose delay is over. Workers that lock those rows in different orders
 * end in a deadlock: nobody takes a job for a second, and a job that was done is told to have failed. So while a queue has such jobs,
 * one worker at a time takes one: each of these functions gets another that comes before it, with its name and parameters.
 */
export const TAKE_TURNS = `
  CREATE OR REPLACE FUNCTION bullmq.accepted_take_turn(of_queue text, now bigint) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
      IF EXISTS (SELECT FROM bullmq.job WHERE queue = of_queue AND state = 'delayed' AND process_at_ms <= now) THEN
        PERFORM pg_advisory_xact_lock(hashtext('accepted:delayed'), hashtext(of_queue));
      END IF;
    END $$;
  CREATE SCHEMA IF NOT EXISTS accepted;
  DO $do$
    DECLARE
      own record;
    BEGIN
      FOR own IN
        SELECT proname AS name, pg_get_function_identity_arguments(oid) AS parameters,
               array_to_string(proargnames[1:pronargs], ', ') AS names
          FROM pg_proc
         WHERE pronamespace = 'bullmq'::regnamespace
           AND proname IN ('move_to_active', 'move_to_completed_fetch', 'move_to_failed_fetch')
      LOOP
        EXECUTE format($sql$
          CREATE OR REPLACE FUNCTION accepted.%I(%s) RETURNS SETOF bullmq.job LANGUAGE plpgsql VOLATILE AS $$
            BEGIN
              PERFORM bullmq.accepted_take_turn(p_queue, p_now);
              RETURN QUERY SELECT * FROM bullmq.%I(%s);
            END $$ $sql$, own.name, own.parameters, own.name, own.names);
      END LOOP;
    END $do$;`;
