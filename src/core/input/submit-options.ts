/** The options of a submission, which both APIs read alike: when its job may run, when it must have begun, how urgent it is, its tags, and its webhook. */
import { z } from 'zod';
import type { InputIssue } from '../errors.ts';
import type { JobOptions } from '../job.ts';
import { timeSchema } from '../service/job-filter.ts';

/** 30 days. */
export const MAX_DELAY_SECONDS = 2_592_000;
/** 365 days. */
const MAX_START_SECONDS = 31_536_000;
export const MAX_PRIORITY = 9;

const DELAY = `Invalid delay: expected whole seconds from 0 to ${MAX_DELAY_SECONDS}`;
const START = `Invalid time to start: expected whole seconds from 1 to ${MAX_START_SECONDS}`;
const PRIORITY = `Invalid priority: expected a whole number from 0 to ${MAX_PRIORITY}`;

/** Tags that the server adds itself begin so. */
const RESERVED_TAG = /^(?:batch|dedupe):/;
/** Commas separate the tags of a REST request. */
const TAG = 'Invalid tag: expected 1 to 64 printable characters without commas';
export const tagSchema = z
  .string(TAG)
  .regex(/^[^\p{C}\p{Zl}\p{Zp},]{1,64}$/u, TAG)
  .refine((tag) => !RESERVED_TAG.test(tag), 'Invalid tag: the prefixes "batch:" and "dedupe:" are reserved');
/** A tag of jobs that are looked for, which may be that of a batch. */
export const anyTagSchema = z.string(TAG).regex(/^(?:[^\p{C}\p{Zl}\p{Zp},]{1,64}|batch:[\w-]{1,64})$/u, TAG);
const MAX_TAGS = 10;

/** Characters of a webhook's URL. */
const MAX_URL = 2000;
const WEBHOOK = `Invalid webhook: expected an https URL of at most ${MAX_URL} characters, without credentials and without a fragment`;

/** Which hosts are called is decided where they are known. */
function isWebhook(text: string): boolean {
  if (text.length > MAX_URL || !URL.canParse(text)) return false;
  const { protocol, username, password, hash, hostname } = new URL(text);
  return /^https?:$/.test(protocol) && hostname !== '' && `${username}${password}${hash}` === '';
}

const DEDUPE_ID = 'Invalid deduplication id: expected 1 to 50 printable characters without commas';
const DEDUPE_SECONDS = `Invalid time of deduplication: expected whole seconds from 1 to ${MAX_DELAY_SECONDS}`;
const DEDUPE_MODE = 'Invalid mode: expected first or last';

/** The fields of `deduplication`, with the descriptions that both APIs show. */
export const deduplicationSchemas = {
  id: z
    .string(DEDUPE_ID)
    .regex(/^[^\p{C}\p{Zl}\p{Zp},]{1,50}$/u, DEDUPE_ID)
    .describe(
      'While a job of the same type and caller with this id waits for its first attempt, this submission gets that job and adds none: 1 to 50 printable characters without commas.',
    ),
  ttlSeconds: z
    .int(DEDUPE_SECONDS)
    .min(1, DEDUPE_SECONDS)
    .max(MAX_DELAY_SECONDS, DEDUPE_SECONDS)
    .describe('Seconds after its submission, beyond which a job that still waits is no longer given to others.'),
  mode: z
    .enum(['first', 'last'], DEDUPE_MODE)
    .describe(
      '`first`, the default, keeps the input of the job that waits; `last` replaces it by that of this submission.',
    ),
} as const;
const { id, ttlSeconds, mode } = deduplicationSchemas;
const deduplicationSchema = z
  .object({ id, ttlSeconds: ttlSeconds.nullish(), mode: mode.nullish() })
  // Both APIs make the same of it, so that it has one fingerprint.
  .transform((given) => ({
    id: given.id,
    ...(given.ttlSeconds != null && { ttlSeconds: given.ttlSeconds }),
    ...(given.mode != null && { mode: given.mode }),
  }));
/** As the caller sent it. */
export type Deduplication = Readonly<z.output<typeof deduplicationSchema>>;

/** Each option, with the description that both APIs show. */
export const optionSchemas = {
  delaySeconds: z
    .int(DELAY)
    .min(0, DELAY)
    .max(MAX_DELAY_SECONDS, DELAY)
    .describe('Seconds before which the job does not run: at most 2592000, which are 30 days.'),
  runAt: timeSchema.describe(
    'The time before which the job does not run: at most 30 days ahead. One in the past means at once.',
  ),
  startBefore: timeSchema.describe(
    'If no attempt has begun by this time, the job ends as canceled, with the code JOB_EXPIRED.',
  ),
  startWithinSeconds: z
    .int(START)
    .min(1, START)
    .max(MAX_START_SECONDS, START)
    .describe('The same in seconds after the job may run: after its submission, or the time that it waits for.'),
  priority: z
    .int(PRIORITY)
    .min(0, PRIORITY)
    .max(MAX_PRIORITY, PRIORITY)
    .describe('0 to 9: of the jobs of a type that one caller has waiting, those with a higher one run first.'),
  tags: z
    .array(tagSchema)
    .max(MAX_TAGS, `Too many tags: expected at most ${MAX_TAGS}`)
    .refine((tags) => new Set(tags).size === tags.length, 'Invalid tags: one is there twice')
    .describe('Up to 10 texts of 1 to 64 printable characters without commas, by which lists can be filtered.'),
  webhook: z
    .string(WEBHOOK)
    .refine(isWebhook, WEBHOOK)
    .describe(
      `The URL to which the end of the job is sent, signed as Standard Webhooks 1.0.0 says: https, at most ${MAX_URL} characters.`,
    ),
} as const;

const { delaySeconds, startWithinSeconds, priority, tags } = optionSchemas;

/** What a job type may set for all of its submissions: the options that mean the same at any time. */
export const defaultOptionsSchema = z.strictObject({ delaySeconds, startWithinSeconds, priority, tags }).partial();
export type DefaultOptions = Readonly<z.output<typeof defaultOptionsSchema>>;

const EXCLUSIVE = [
  ['delaySeconds', 'runAt'],
  ['startBefore', 'startWithinSeconds'],
] as const;

/** Refuses what says the same in two ways. */
export function requireOneEach(options: SubmitOptions, context: z.core.$RefinementCtx): void {
  for (const [first, second] of EXCLUSIVE) {
    if (options[first] == null || options[second] == null) continue;
    context.addIssue({ code: 'custom', path: [second], message: `Give either ${first} or ${second}, not both` });
  }
}

/** Null counts as absent. */
export const submitOptionsSchema = z
  .object({
    delaySeconds: delaySeconds.nullish(),
    runAt: optionSchemas.runAt.nullish(),
    startBefore: optionSchemas.startBefore.nullish(),
    startWithinSeconds: startWithinSeconds.nullish(),
    priority: priority.nullish(),
    tags: tags.nullish(),
    webhook: optionSchemas.webhook.nullish(),
    deduplication: deduplicationSchema.nullish(),
  })
  .superRefine(requireOneEach);

/** As the caller sent them. */
export interface SubmitOptions {
  readonly delaySeconds?: number | null | undefined;
  readonly runAt?: Date | null | undefined;
  readonly startBefore?: Date | null | undefined;
  readonly startWithinSeconds?: number | null | undefined;
  readonly priority?: number | null | undefined;
  readonly tags?: readonly string[] | null | undefined;
  readonly webhook?: string | null | undefined;
  readonly deduplication?: Deduplication | null | undefined;
}

/** Only the options that were given; undefined if none was. */
export function givenOptions(options: SubmitOptions | null | undefined): SubmitOptions | undefined {
  const given = Object.entries(options ?? {}).filter(([, value]) => value != null);
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

export interface ResolvedOptions {
  /** Undefined for a job like any other. */
  readonly options: JobOptions | undefined;
  /** Times that were right once, when the same submission may have been accepted. */
  readonly outdated: InputIssue | undefined;
}

/**
 * Makes times of the options of a submission and of its job type.
 * @param clock of the store, which decides what has expired
 * @param createdAt of the job, by the clock of this process
 * @param base of the URLs in its webhook
 */
export function resolveOptions(
  given: SubmitOptions | undefined,
  defaults: DefaultOptions | undefined,
  { clock, createdAt, base = '' }: { readonly clock: () => number; readonly createdAt: Date; readonly base?: string },
): ResolvedOptions {
  if (given === undefined && defaults === undefined) return { options: undefined, outdated: undefined };
  const now = clock();
  const { runAt, startBefore } = { ...given };
  const delayMs = (given?.delaySeconds ?? (runAt == null ? defaults?.delaySeconds : 0) ?? 0) * 1000;
  const startWithin = given?.startWithinSeconds ?? (startBefore == null ? defaults?.startWithinSeconds : undefined);
  const scheduledFor = runAt ?? new Date(createdAt.getTime() + delayMs);
  const dueAt = runAt == null ? now + delayMs : Math.max(now, runAt.getTime());
  const last = startBefore?.getTime() ?? (startWithin == null ? undefined : Math.floor(dueAt + startWithin * 1000));
  const priorityOrNone = given?.priority ?? defaults?.priority ?? 0;
  const tagsOrNone = given?.tags ?? defaults?.tags ?? [];
  const options: JobOptions = {
    ...(scheduledFor > createdAt && { scheduledFor }),
    ...(last !== undefined && { startBefore: new Date(last) }),
    ...(priorityOrNone > 0 && { priority: priorityOrNone }),
    ...(tagsOrNone.length > 0 && { tags: tagsOrNone }),
    ...(given?.webhook != null && { webhook: { url: given.webhook, base } }),
    ...(given?.deduplication && { deduplication: toDeduplication(given.deduplication, now) }),
  };
  return {
    options: Object.keys(options).length === 0 ? undefined : options,
    outdated: startBefore == null ? undefined : whyOutdated(startBefore.getTime(), now, dueAt),
  };
}

function toDeduplication(
  { id: dedupeId, ttlSeconds: seconds, mode: ofInput }: Deduplication,
  now: number,
): JobOptions['deduplication'] {
  const until = seconds == null ? undefined : new Date(now + seconds * 1000);
  return { id: dedupeId, until, mode: ofInput ?? 'first' };
}

function whyOutdated(startBefore: number, now: number, dueAt: number): InputIssue | undefined {
  if (startBefore > dueAt) return undefined;
  const message =
    startBefore > now
      ? 'Invalid time: expected one after the job may run, which it could never start before'
      : 'Invalid time: expected one in the future';
  return { path: ['startBefore'], message };
}
