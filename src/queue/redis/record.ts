import { CANCELED, type JobRecord } from '../job-record.ts';

/** What a script says of a job: the values of `RECORD_FIELDS`, and the number of its locks. */
export type JobReply = readonly [fields: readonly (string | null)[], locks: number];

/** The records that `READ_JOBS` replied with; undefined where there is no job. */
export function toRecords(type: string, ids: readonly string[], replies: unknown): (JobRecord | undefined)[] {
  // What the script makes; it is read too often to be looked at each time.
  return (replies as readonly JobReply[]).map((reply, index) => toRecord(type, ids[index] ?? '', reply));
}

export function toRecord(type: string, id: string, [fields, locks]: JobReply): JobRecord | undefined {
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
  const state = finishedOn == null ? (locks > 0 ? 'active' : 'waiting') : returnvalue == null ? 'failed' : 'completed';
  return {
    id,
    type,
    caller: name ?? '',
    state,
    mark: canceled == null ? (defa ?? null) : CANCELED,
    progress: parse(progress),
    result: returnvalue ?? null,
    failedReason: failedReason ?? null,
    traces: parse(stacktrace),
    attemptsMade: Number(atm ?? 0),
    maxAttempts: Number(parse(opts)?.attempts ?? 1),
    createdAt: Number(timestamp),
    startedAt: processedOn == null ? null : Number(processedOn),
    finishedAt: finishedOn == null ? null : Number(finishedOn),
  };
}

/** The record of a job that has succeeded, from what was told of its end, where that is all there is of it. */
export function toToldRecord(type: string, lines: readonly string[]): JobRecord | undefined {
  const [
    ,
    id = '',
    caller = '',
    createdAt,
    startedAt,
    finishedAt,
    attemptsMade,
    maxAttempts,
    progress,
    traces,
    result,
  ] = lines;
  if (result === undefined) return undefined;
  return {
    id,
    type,
    caller: JSON.parse(caller),
    state: 'completed',
    mark: null,
    progress: parse(progress),
    result,
    failedReason: null,
    traces: parse(traces),
    attemptsMade: Number(attemptsMade),
    maxAttempts: Number(maxAttempts),
    createdAt: Number(createdAt),
    startedAt: Number(startedAt),
    finishedAt: Number(finishedAt),
  };
}

function parse(json: string | null | undefined) {
  return json == null ? null : JSON.parse(json);
}
