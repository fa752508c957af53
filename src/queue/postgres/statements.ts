import { z } from 'zod';
import { CANCELED, type JobRecord } from '../job-record.ts';
import { TAKE_TURNS } from './turns.ts';
import { LATE } from '../store-clock.ts';

/**
 * The statements beside BullMQ's own, on its tables in the schema `bullmq`. A job's status is an expression of its row, which
 * the index of lists holds too.
 */
const IS_CANCELED = `'${CANCELED.replaceAll("'", "''")}'`;
const STATUS = `
  CASE state
    WHEN 'active' THEN 'Running'
    WHEN 'completed' THEN CASE WHEN deferred_failure = ${IS_CANCELED} THEN 'Canceled' ELSE 'Succeeded' END
    WHEN 'failed' THEN CASE WHEN failed_reason = ${IS_CANCELED} OR opts ? 'canceled' THEN 'Canceled' ELSE 'Failed' END
    ELSE 'Pending'
  END`;

/** As rate-limiter-flexible wants its table; unlogged, because a crash takes no more with it than the counts of some seconds. */
export const REQUEST_COUNTS = 'accepted_request_counts';

/**
 * Two processes may start together: the lock lets one at a time do it. The name of a job is the id of its caller. A statement that
 * a caller waits for is refused when PostgreSQL gets to it too late: then nobody waits any more.
 */
export const PREPARE_SCHEMA = `
  BEGIN;
  SELECT pg_advisory_xact_lock(hashtext('accepted:list'));
  CREATE OR REPLACE FUNCTION bullmq.accepted_before(deadline double precision) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
      IF extract(epoch FROM clock_timestamp()) * 1000 > deadline THEN
        RAISE EXCEPTION '${LATE} its deadline had passed when PostgreSQL got to it' USING ERRCODE = 'query_canceled';
      END IF;
      RETURN true;
    END $$;
  CREATE OR REPLACE FUNCTION bullmq.accepted_add_once
    (of_queue text, job_id text, name text, data jsonb, opts jsonb, added_at bigint, attempts integer, deadline double precision)
    RETURNS SETOF bullmq.job LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
      PERFORM bullmq.accepted_before(deadline);
      PERFORM bullmq.add_job(of_queue, job_id, name, data, opts, 0, 0, added_at, attempts, NULL, NULL, NULL, NULL, NULL, false);
      RETURN QUERY SELECT * FROM bullmq.job WHERE job.queue = of_queue AND job.id = job_id;
    END $$;
  CREATE INDEX IF NOT EXISTS accepted_job_list
    ON bullmq.job (queue, name, (${STATUS}), added_at_ms DESC, id COLLATE "C" DESC);
  ${TAKE_TURNS}
  CREATE UNLOGGED TABLE IF NOT EXISTS bullmq.${REQUEST_COUNTS}
    (key text PRIMARY KEY, points integer NOT NULL DEFAULT 0, expire bigint);
  COMMIT`;

/** Has the first check for stalled jobs take them all, without waiting for the locks of the process that was killed. */
export const GIVE_UP_LOCKS = `UPDATE bullmq.job SET locked_until_ms = 0, stalled_marked = true WHERE state = 'active'`;

/** The columns that a record is made of; not `data`, which may be large. */
const RECORD = `
  queue, id, name, state::text, deferred_failure, opts ? 'canceled' AS canceled, progress, return_value::text, failed_reason, stacktrace, attempts_made, max_attempts,
  added_at_ms::float8, processed_at_ms::float8, finished_at_ms::float8`;

/** Milliseconds since 1970. */
export const READ_TIME = 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS time';

/**
 * BullMQ's own function, for each job of a batch, in its order. $1 queue, $2 ids, $3 names, $4 data, $5 options, $6 times of creation, $7 attempts, $8
 * deadline: a statement that is late is undone as a whole.
 */
export const ADD_JOBS = `
  SELECT bullmq.add_job($1, id, name, data::jsonb, opts::jsonb, 0, 0, added_at, attempts, NULL, NULL, NULL, NULL, NULL, false)
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::integer[])
         AS jobs(id, name, data, opts, added_at, attempts)
   WHERE bullmq.accepted_before($8::float8)`;

/** The same for one job that there may be already, with what there is then: $6 time of creation, $7 attempts, $8 deadline. */
export const ADD_ONCE = `
  SELECT ${RECORD}, data FROM bullmq.accepted_add_once($1, $2, $3, $4::jsonb, $5::jsonb, $6, $7, $8::float8)`;

/** $1 queue, $2 ids. */
export const READ_RECORDS = `SELECT ${RECORD} FROM bullmq.job WHERE queue = $1 AND id = ANY($2::text[])`;

export const READ_DATA = 'SELECT data FROM bullmq.job WHERE queue = $1 AND id = $2';

/** $1 queues, $2 statuses, $3 caller, $4 and $5 the place behind which to begin, $6 limit: the first of each of the index's lists. */
export const LIST_JOBS = `
  SELECT page.*
    FROM unnest($1::text[]) AS queues(queue) CROSS JOIN unnest($2::text[]) AS statuses(status)
   CROSS JOIN LATERAL (
     SELECT ${RECORD} FROM bullmq.job
      WHERE job.queue = queues.queue AND name = $3 AND (${STATUS}) = statuses.status
        AND (added_at_ms, id COLLATE "C") < ($4, $5)
      ORDER BY job.added_at_ms DESC, id COLLATE "C" DESC LIMIT $6
   ) AS page
   ORDER BY added_at_ms DESC, id COLLATE "C" DESC LIMIT $6`;

/**
 * $1 queue, $2 id, $3 time, $4 whether to end only a job that has the mark, $5 deadline. No row: it was done. BullMQ forgets the mark of a job that
 * fails for good, but not its options.
 */
export const CANCEL_JOB = `
  WITH canceled AS (
    UPDATE bullmq.job
       SET state = CASE WHEN state = 'active' THEN state ELSE 'failed' END,
           deferred_failure = CASE WHEN state = 'active' THEN ${IS_CANCELED} END,
           opts = opts || '{"canceled": true}',
           failed_reason = CASE WHEN state = 'active' THEN failed_reason ELSE ${IS_CANCELED} END,
           finished_at_ms = CASE WHEN state <> 'active' THEN $3::bigint END
     WHERE queue = $1 AND id = $2 AND state IN ('waiting', 'delayed', 'active')
       AND (NOT $4::boolean OR deferred_failure = ${IS_CANCELED}) AND bullmq.accepted_before($5::float8)
 RETURNING *)
  SELECT ${RECORD},
         CASE state WHEN 'failed' THEN bullmq.publish_event(queue, 'failed',
           jsonb_build_object('jobId', id, 'failedReason', ${IS_CANCELED}, 'prev', 'waiting')) END
    FROM canceled`;

/** $1 queue, $2 ids. */
export const READ_MARKED = `
  SELECT id FROM bullmq.job WHERE queue = $1 AND id = ANY($2::text[]) AND deferred_failure = ${IS_CANCELED}`;

/** $1 queue, $2 id, $3 attempts, $4 progress, never earlier than the one before or the end, $5 deadline. No row: it was neither failed nor canceled. */
export const RETRY_JOB = `
  WITH retried AS (
    UPDATE bullmq.job
       SET state = 'waiting', seq = nextval('bullmq.job_seq'), process_at_ms = NULL, finished_at_ms = NULL,
           return_value = NULL, failed_reason = NULL, deferred_failure = NULL, stalled_count = 0,
           progress = $4::jsonb || jsonb_build_object(
             'at', greatest(($4::jsonb ->> 'at')::bigint, (progress ->> 'at')::bigint, finished_at_ms)),
           max_attempts = attempts_made + $3::integer,
           opts = jsonb_set(opts - 'canceled', '{attempts}', to_jsonb(attempts_made + $3::integer))
     WHERE queue = $1 AND id = $2
       AND (state = 'failed' OR (state = 'completed' AND deferred_failure = ${IS_CANCELED}))
       AND bullmq.accepted_before($5::float8)
 RETURNING *)
  SELECT ${RECORD}, pg_notify('bullmq_jobs', queue),
         bullmq.publish_event(queue, 'waiting', jsonb_build_object('jobId', id, 'prev', 'failed'))
    FROM retried`;

/** $1 queue, $2 time, $3 limit. */
export const REMOVE_FINISHED = `
  WITH removed AS (
    DELETE FROM bullmq.job WHERE queue = $1 AND id IN (
      SELECT id FROM bullmq.job
       WHERE queue = $1 AND state IN ('completed', 'failed') AND finished_at_ms <= $2 LIMIT $3)
       -- Not one that is retried at this moment.
       AND state IN ('completed', 'failed') AND finished_at_ms <= $2
 RETURNING 1)
  SELECT count(*)::integer AS removed FROM removed`;

/** $1 queue, $2 how many jobs to look at. Counts no further than a poller is ever told to wait for. */
export const READ_PACE = `
  SELECT (SELECT count(*)::integer FROM
           (SELECT FROM bullmq.job WHERE queue = $1 AND state = 'waiting' LIMIT 10000) AS waiting) AS waiting,
         (SELECT coalesce(json_agg(json_build_object('startedAt', processed_at_ms, 'finishedAt', finished_at_ms)), '[]') FROM
           (SELECT processed_at_ms, finished_at_ms FROM bullmq.job
             WHERE queue = $1 AND state = 'completed' ORDER BY finished_at_ms DESC LIMIT $2) AS last) AS runs`;

/** $1 queue, $2 limit. */
export const READ_DEPTH = `
  SELECT count(*)::integer AS depth FROM
    (SELECT FROM bullmq.job WHERE queue = $1 AND state IN ('waiting', 'delayed') LIMIT $2) AS waiting`;

/** $1 a new secret. One of two processes that start together stores its own, and both read that one. No job type has this name. */
export const STORE_SECRET = `INSERT INTO bullmq.meta (queue, field, value) VALUES ('', 'secret', $1) ON CONFLICT DO NOTHING`;
export const READ_SECRET = `SELECT value FROM bullmq.meta WHERE queue = '' AND field = 'secret'`;

export const READ_LAST_EVENT = 'SELECT coalesce(max(id), 0)::text AS id FROM bullmq.event WHERE queue = $1';

const rowSchema = z.object({
  queue: z.string(),
  id: z.string(),
  name: z.string(),
  state: z.string(),
  deferred_failure: z.string().nullable(),
  canceled: z.boolean(),
  progress: z.unknown(),
  return_value: z.string().nullable(),
  failed_reason: z.string().nullable(),
  stacktrace: z.unknown(),
  attempts_made: z.number(),
  max_attempts: z.number(),
  added_at_ms: z.number(),
  processed_at_ms: z.number().nullable(),
  finished_at_ms: z.number().nullable(),
});

const STATES: Readonly<Record<string, JobRecord['state']>> = {
  active: 'active',
  completed: 'completed',
  failed: 'failed',
};

/** @param row of `RECORD`'s columns */
export function toRecord(row: unknown): JobRecord {
  const columns = rowSchema.parse(row);
  return {
    id: columns.id,
    type: columns.queue,
    caller: columns.name,
    state: STATES[columns.state] ?? 'waiting',
    mark: columns.canceled ? CANCELED : columns.deferred_failure,
    progress: columns.progress,
    result: columns.return_value,
    failedReason: columns.failed_reason,
    traces: columns.stacktrace,
    attemptsMade: columns.attempts_made,
    maxAttempts: columns.max_attempts,
    createdAt: columns.added_at_ms,
    startedAt: columns.processed_at_ms,
    finishedAt: columns.finished_at_ms,
  };
}
