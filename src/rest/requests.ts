/** What the routes read from a request: each parameter with its schema and its documentation. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { MAX_ISSUES, ServiceError } from '../core/errors.ts';
import { parseInput } from '../core/input/parse-input.ts';
import { anyTagSchema } from '../core/input/submit-options.ts';
import { jobStatusSchema } from '../core/job.ts';
import { NOT_A_PERIOD, callerIdSchema, isPeriod, timeSchema } from '../core/service/job-filter.ts';
import { afterSchema } from '../core/output/output.ts';
import { DEFAULT_PAGE_SIZE, cursorSchema, pageSizeSchema } from '../core/service/list-page.ts';
import { MAX_WAIT_SECONDS } from '../core/service/follow.ts';
import type { JobPageRequest } from '../core/service/service.ts';
import { addVary } from '../http/negotiation.ts';

/**
 * Documents a parameter. Without examples: pages to try operations out would send those as they are.
 * @param id of the component, where several operations share the parameter
 */
export function parameter<Schema extends z.ZodType>(schema: Schema, description: string, id?: string): Schema {
  return schema.meta({ param: { description, ...(id !== undefined && { id }) } });
}

const header = z.string().optional();
const querySchema = z.record(z.string(), z.unknown());

export const toNumber = (value: unknown): unknown =>
  typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;

/** `true` and `false` of a query. */
export const toBoolean = (value: unknown): unknown => (value === 'true' ? true : value === 'false' ? false : value);

export const ifNoneMatch = parameter(
  header,
  'The `ETag` of an earlier reply: if nothing has changed since, the reply is 304 (RFC 9110, section 13.1.2).',
  'ifNoneMatch',
);
export const ifMatch = parameter(
  header,
  'The `ETag` of an earlier reply: if the job is in another state now, the reply is 412 and nothing is done (RFC 9110, section 13.1.1).',
  'ifMatch',
);
export const prefer = parameter(
  header,
  `\`wait=N\`, as in \`wait=10\`, holds the reply until the job is done, or for at most N seconds (RFC 7240, section 4.3). More than ${MAX_WAIT_SECONDS} counts as ${MAX_WAIT_SECONDS}. \`respond-async\` is what happens anyway (section 4.1).`,
  'prefer',
);
export const idempotencyKey = parameter(
  z
    .string()
    .regex(/^"[ -~]{1,255}"$/)
    .optional(),
  'Makes it safe to send the request again: the same key gives the same job for as long as the job is kept. A string in quotes (RFC 9651, section 3.3.3) of 1 to 255 printable ASCII characters, such as `"8e03978e-40d5-43dd-bc93-6894a57f9324"`.',
);
export const lastEventIdHeader = parameter(
  header,
  'The `id` of the last event that was received: the state that the client already has is not sent again.',
);

export const lastEventIdQuery = parameter(header, 'The same, for clients that cannot set headers. The header wins.');

/** The id of the last event that a client has received. */
export function readLastEventId({ headers, query }: FastifyRequest): string | undefined {
  const { lastEventId } = querySchema.parse(query);
  return headers['last-event-id']?.toString() ?? (typeof lastEventId === 'string' ? lastEventId : undefined);
}

export const afterQuery = parameter(
  z.preprocess(toNumber, afterSchema.default(0)),
  'The `sequence` of the last piece of output that the client has: those behind it follow. 0: all.',
  'after',
);

export const jobPath = z.object({
  id: parameter(z.string(), "The job's id, from the reply to its submission.", 'jobId'),
});

export const batchPath = z.object({
  id: parameter(z.string(), "The batch's id, from the reply to its submission.", 'batchId'),
});

export const batchQuery = z.object({
  waitSeconds: parameter(
    z.preprocess(toNumber, z.int().min(0).optional()),
    `Holds the reply until all jobs are done, or for at most so many seconds. More than ${MAX_WAIT_SECONDS} counts as ${MAX_WAIT_SECONDS}. The same as \`Prefer: wait=N\`, which wins.`,
  ),
});

/** @throws ServiceError `invalid-input` that names the parameter */
export function readWaitSeconds(query: unknown): number | undefined {
  const { waitSeconds } = toValues(query);
  return waitSeconds === undefined ? undefined : parseInput(batchQuery, { waitSeconds }).waitSeconds;
}

export const jobTypePath = z.object({ name: parameter(z.string(), 'The name of the job type.', 'jobTypeName') });

/** The `id` of a route whose path has one. */
export function idOf({ params }: FastifyRequest): string {
  // Fastify's type for the parameters of a route that it has not been told about.
  return (params as { id: string }).id;
}

/** How long `onPending=synchronous` holds a reply that has no `Prefer: wait`. */
export const SYNCHRONOUS_SECONDS = 25;

const ANY_CASE = 'Its name and its values are case-insensitive.';

/** How to answer a poll. */
export const pollQuery = z.object({
  onPending: parameter(
    z.enum(['accepted', 'ok', 'synchronous']).default('accepted'),
    `The reply for a job that is not done: 202 (\`accepted\`), 200 (\`ok\`), or held until the job is done or the time of \`Prefer: wait\` is over, ${SYNCHRONOUS_SECONDS} seconds by default (\`synchronous\`). ${ANY_CASE}`,
  ),
  onComplete: parameter(
    z.enum(['redirect', 'stream', 'status']).default('redirect'),
    `The reply for a job that is done: 303 to its resource or result (\`redirect\`), 200 with the result (\`stream\`), or 200 with the job (\`status\`). ${ANY_CASE}`,
  ),
});
export type PollOptions = z.output<typeof pollQuery>;

const POLL_NAMES = new Map(Object.keys(pollQuery.shape).map((name) => [name.toLowerCase(), name]));
const POLL_DEFAULTS = pollQuery.parse({});

/** @throws ServiceError `invalid-input` that names the parameter */
export function readPollOptions(query: unknown): PollOptions {
  const entries = Object.entries(querySchema.parse(query));
  if (entries.length === 0) return POLL_DEFAULTS;
  const lowered = entries.map(([name, value]) => [
    POLL_NAMES.get(name.toLowerCase()) ?? name,
    typeof value === 'string' ? value.toLowerCase() : value,
  ]);
  return parseInput(pollQuery, Object.fromEntries(lowered));
}

const STATUSES = new Map(jobStatusSchema.options.map((status) => [status.toLowerCase(), status]));

/** `name=a&name=b`, or `name=a,b`. */
export function toTexts(value: unknown): unknown[] | undefined {
  if (value === undefined) return undefined;
  const parts: unknown[] = [value].flat();
  return parts.flatMap((part) =>
    typeof part === 'string' ? part.split(',').filter((text) => text.trim() !== '') : [part],
  );
}

/** Case-insensitive. */
const toStatuses = (value: unknown): unknown =>
  toTexts(value)?.map((name) => (typeof name === 'string' ? (STATUSES.get(name.trim().toLowerCase()) ?? name) : name));

/** The plus sign of an offset, as in 12:00:00+01:00, is a space in a query that did not escape it. */
export const toTime = z.preprocess(
  (value) => (typeof value === 'string' ? value.replace(/ (?=\d\d:\d\d$)/, '+') : value),
  timeSchema.optional(),
);

/**
 * Which jobs to list.
 * @param types names of job types, for the document: the service refuses others
 */
export const listQuery = (types: readonly string[]) =>
  z.object({
    type: parameter(
      z
        .string()
        .meta({ enum: [...types] })
        .optional(),
      'Only jobs of this type.',
    ),
    status: parameter(
      z.preprocess(toStatuses, z.array(jobStatusSchema).optional()),
      'Only jobs with this status. May be repeated, or have several values separated by commas; case-insensitive.',
    ),
    caller: parameter(
      callerIdSchema.optional(),
      "Only jobs of the caller with this id. Another's are for admins, whose list has the jobs of all callers without it.",
    ),
    tag: parameter(anyTagSchema.optional(), 'Only jobs with this tag.'),
    createdAfter: parameter(toTime, 'Only jobs that were created at this time or later.'),
    createdBefore: parameter(toTime, 'Only jobs that were created before this time.'),
    limit: parameter(
      z.preprocess(toNumber, pageSizeSchema.default(DEFAULT_PAGE_SIZE)),
      'The maximum number of jobs on a page. It has fewer where their results are large.',
    ),
    cursor: parameter(cursorSchema.optional(), 'The `nextCursor` of the page before.'),
  });

const anyListQuery = listQuery([]).refine(isPeriod, NOT_A_PERIOD);

/** @throws ServiceError `invalid-input` that names the unknown parameters */
function toFilter(query: unknown): Record<string, unknown> {
  const values = toValues(query);
  const unknown = Object.keys(values)
    .filter((name) => !Object.hasOwn(anyListQuery.shape, name))
    .slice(0, MAX_ISSUES);
  if (unknown.length === 0) return values;
  const issues = unknown.map((name) => ({ path: [name], message: 'Unknown parameter' }));
  throw new ServiceError('invalid-input', `${unknown[0]}: Unknown parameter`, { issues });
}

/** A query without its empty values, and with `name[]`, as many libraries write lists, read as `name`. */
export function toValues(query: unknown): Record<string, unknown> {
  const given: [string, unknown][] = Object.entries(Object(query));
  const byName = Map.groupBy(given, ([name]) => name.replace(/\[\]$/, ''));
  return Object.fromEntries(
    [...byName].map(([name, entries]) => {
      const values = entries.flatMap(([, value]) => value).filter((value) => value !== '');
      return [name, values.length > 1 ? values : values[0]];
    }),
  );
}

/** @throws ServiceError `invalid-input` that names the parameter */
export function readListOptions(query: unknown): JobPageRequest {
  const { status, cursor, ...request } = parseInput(anyListQuery, toFilter(query));
  return { ...request, statuses: status, after: cursor };
}

/** One preference (RFC 7240, section 2): a token, and perhaps a value, as a token or in quotes. */
const PREFERENCE = /^\s*([!#$%&'*+.^_`|~\w-]+)(?:\s*=\s*(?:([!#$%&'*+.^_`|~\w-]+)|"((?:[^"\\]|\\.)*)"))?\s*(?:;|$)/;
/** Commas in quotes do not separate. An unclosed quote takes the rest of the text, so that no part is scanned twice. */
const SEPARATED = /(?:[^,"]|"(?:[^"\\]|\\.)*(?:"|\\?$))+/g;

/** What a client prefers. */
export interface Preferences {
  /**
   * The seconds of `wait=N` (RFC 7240, section 4.3), limited to the longest wait. The first of several counts. Undefined without one, or
   * where N is not a whole number, which is ignored (section 2).
   */
  readonly wait: number | undefined;
  /** Whether `respond-async` is among them (section 4.1). */
  readonly respondAsync: boolean;
}

export function parsePreferences(preferences: string | string[] | undefined): Preferences {
  const values = new Map<string, string>();
  const text = Array.isArray(preferences) ? preferences.join(',') : (preferences ?? '');
  for (const [preference] of text.matchAll(SEPARATED)) {
    const [, name, token, quoted] = PREFERENCE.exec(preference) ?? [];
    if (name !== undefined && !values.has(name.toLowerCase())) values.set(name.toLowerCase(), token ?? quoted ?? '');
  }
  const wait = values.get('wait') ?? '';
  return {
    wait: /^\d+$/.test(wait) ? Math.min(Number(wait), MAX_WAIT_SECONDS) : undefined,
    respondAsync: values.has('respond-async'),
  };
}

/** Reads `Prefer: wait`, and says in the reply what is honored (RFC 7240, section 3). A reply that waits is not asynchronous. */
export function readWait(request: FastifyRequest, reply: FastifyReply): number | undefined {
  addVary(reply, 'Prefer');
  if (request.headers.prefer === undefined) return undefined;
  const { wait, respondAsync } = parsePreferences(request.headers.prefer);
  if (wait !== undefined) reply.header('Preference-Applied', `wait=${wait}`);
  else if (respondAsync) reply.header('Preference-Applied', 'respond-async');
  return wait;
}
