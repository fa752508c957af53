import { z } from 'zod';
import { CANCELED, type JobRecord } from './job-record.ts';
import { RECORD_FIELDS } from './redis-scripts.ts';

const field = z.string().nullable();
const repliesSchema = z.array(z.tuple([z.array(field).length(RECORD_FIELDS.length), z.number()]));

/** The records that `READ_JOBS` replied with; undefined where there is no job. */
export function toRecords(type: string, ids: readonly string[], replies: unknown): (JobRecord | undefined)[] {
  return repliesSchema
    .parse(replies)
    .map(([fields, locks], index) => toRecord(type, ids[index] ?? '', fields, locks > 0));
}

function toRecord(
  type: string,
  id: string,
  fields: readonly (string | null)[],
  locked: boolean,
): JobRecord | undefined {
  const [
    name,
    timestamp,
    processedOn,
    finishedOn,
    returnvalue,
    failedReason,
    defa,
    canceled,
    progress,
    stacktrace,
    atm,
    opts,
  ] = fields;
  if (timestamp == null) return undefined;
  const state = finishedOn == null ? (locked ? 'active' : 'waiting') : returnvalue == null ? 'failed' : 'completed';
  return {
    id,
    type,
    caller: name ?? '',
    state,
    mark: canceled == null ? (defa ?? null) : CANCELED,
    progress: parse(progress),
    result: parse(returnvalue),
    failedReason: failedReason ?? null,
    traces: parse(stacktrace),
    attemptsMade: Number(atm ?? 0),
    maxAttempts: Number(parse(opts)?.attempts ?? 1),
    createdAt: Number(timestamp),
    startedAt: processedOn == null ? null : Number(processedOn),
    finishedAt: finishedOn == null ? null : Number(finishedOn),
  };
}

function parse(json: string | null | undefined) {
  return json == null ? null : JSON.parse(json);
}
