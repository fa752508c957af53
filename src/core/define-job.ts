/** The public interface for authors of job types. */
import { z } from 'zod';
import type { FileOptions } from './files/attempt-files.ts';
import type { StoredFile } from './files/file-ref.ts';
import type { FileBody } from './files/file-store.ts';
import type { DefaultOptions } from './input/submit-options.ts';
import { isCodec, partsOf } from './input/schema-parts.ts';
import { toAccepted, toResultSchema, toStrict } from './input/strict-schema.ts';
import type { Logger } from './ports.ts';
import type { Use } from './register.ts';
import type { Schedule } from './schedule.ts';

/** The second argument of a job's function. */
export interface JobContext {
  readonly id: string;
  /** 1 for the first run. */
  readonly attempt: number;
  /** Aborted when the attempt times out, the job is canceled or the worker shuts down: stop soon, and throw. */
  readonly signal: AbortSignal;
  /** Adds the job's id to each line. Log no personal data. */
  readonly log: Logger;
  /** Returns the value of a dependency, by its name in `accepted.config.ts` or by a key. */
  readonly use: Use;
  /**
   * Publishes the job's progress. May be called at any rate: beyond about ten calls a second, only the latest is published.
   * @param percentComplete 0 to 100; rounded down, and clamped to these bounds
   * @param message at most 1,000 characters; a longer one is truncated, and the log says so
   */
  progress(percentComplete: number, message?: string): Promise<void>;
  /**
   * Publishes a piece of output, which callers read in order and as it comes: tokens of a text, rows, lines of a log for the caller. It is kept
   * as long as the job. Resolves when the piece is stored. Texts that follow each other while one is being stored are joined into one piece.
   * @param value any JSON of up to 64 KiB; together at most 16 MiB a job, where each piece counts as at least 64 bytes
   * @throws TypeError for a value that is not JSON; RangeError beyond these sizes, and if more than 1 MiB waits because calls are not awaited;
   * when the attempt is over, the reason of `signal`
   */
  output(value: unknown): Promise<void>;
  /**
   * Stores a file, for a `fileRef()` of the result. It is there whole or not at all, and kept as long as the job; one that the result does not have is
   * removed with the attempt. Of a stream, a part at a time is in memory.
   * @param name what callers save it as: at most 255 characters without slashes
   * @throws TypeError for another name or media type; FileTooLargeError beyond ARTIFACT_MAX_BYTES
   */
  file(name: string, body: FileBody, options?: FileOptions): Promise<StoredFile>;
  /**
   * Opens a file of the input. Read it to its end or cancel it; it ends with the attempt.
   * @throws JobError `FILE_MISSING`
   */
  open(file: StoredFile): Promise<ReadableStream<Uint8Array>>;
}

/** What a job makes, readable at `/api/{collection}/{id}` and as a query field named after the job type. */
export interface Resource<Result> {
  idOf(result: Result): string;
  /** Resolves to undefined if nothing has this id. */
  find(id: string, use: Use): Promise<Result | undefined>;
}

export interface JobDefinition<Input extends z.ZodObject, Result extends z.ZodObject> {
  /** In camelCase, at most 40 characters, unique. */
  readonly name: string;
  /** The REST collection, in kebab-case and plural, unique: `POST /api/{collection}` submits. */
  readonly collection: string;
  /** One sentence, shown in the GraphQL schema. */
  readonly description: string;
  /**
   * What callers send. Unknown fields are refused, at every depth; null counts as absent where a field may be absent, and an absent field
   * as null where it may be null; lengths of text are code points. Give each text and list a length: a request may be 1.5 MiB, and what a
   * function does with a text may cost more than its length.
   */
  readonly input: Input;
  /**
   * What the function returns, at most 1.5 MiB as JSON. Checked before callers see it. Where it has a `z.codec()`, the function returns the
   * decoded value, and callers read the encoded one.
   */
  readonly result: Result;
  /**
   * The largest number of attempts, from 1 to 100.
   * @default 3
   */
  readonly attempts?: number;
  /**
   * Seconds before the second attempt. Each further wait is twice as long, minus a random part of up to a half.
   * @default 1
   */
  readonly backoffSeconds?: number;
  /**
   * Seconds that one attempt may take.
   * @default 60
   */
  readonly timeoutSeconds?: number;
  /**
   * How long an attempt that another system's outage ended does not count, in seconds from the first one: a connection error, or a
   * `JobError` with `retryAfter`. The job waits meanwhile. 0: each attempt counts.
   * @default 3600
   */
  readonly outageSeconds?: number;
  /**
   * Jobs of this type that one worker process runs at a time.
   * @default the setting WORKER_CONCURRENCY
   */
  readonly concurrency?: number;
  /**
   * Jobs of this type and of one caller that run at a time, in all worker processes together. Its others wait meanwhile, and those of other
   * callers go on. Jobs submitted without authentication have one caller. Costs a worker one more round trip for each attempt.
   * @default as many as the workers run
   */
  readonly concurrencyPerCaller?: number;
  /**
   * The options of submissions that do not set them: `delaySeconds`, `startWithinSeconds`, `priority` and `tags`.
   * @default each job runs at once, whenever its turn comes, with priority 0 and no tags
   */
  readonly options?: DefaultOptions;
  /**
   * Submits a job at each time that a cron expression names, one for all processes, while a worker runs. Of the times that
   * pass without one for longer than 30 seconds, the first has its job when a worker is back. The caller of these jobs is `schedule`: admins see
   * them, and everybody on a server without authentication.
   * @default callers alone submit
   */
  readonly schedule?: Schedule<z.input<Input>>;
  readonly resource?: Resource<z.output<Result>>;
  /**
   * Does the work. Must be safe to run again: delivery is at least once.
   * @throws JobError for a failure whose code and message callers may read
   */
  readonly run: Run<Input, Result>;
}

/**
 * The function of a job type. A conditional type, which the compiler resolves before it looks at the function, so that a returned `'small'`
 * is not taken for any text.
 */
type Run<Input extends z.ZodObject, Result extends z.ZodObject> = Result extends z.ZodObject
  ? // A method, whose input may be narrower than that of any job type.
    { run(input: z.output<Input>, job: JobContext): Promise<z.output<Result>> | z.output<Result> }['run']
  : never;

/** A job type, with defaults for the options that its definition omits. */
export interface JobType<
  Input extends z.ZodObject = z.ZodObject,
  Result extends z.ZodObject = z.ZodObject,
> extends JobDefinition<Input, Result> {
  readonly attempts: number;
  readonly backoffSeconds: number;
  readonly timeoutSeconds: number;
  readonly outageSeconds: number;
  /** `input` as callers' input is parsed: it refuses unknown fields at every depth, and more. */
  readonly strictInput: Input;
  /** The same for what another process accepted, whose schema may be newer: it drops unknown fields at every depth. */
  readonly acceptedInput: Input;
  /** `result`, with lengths of text in code points. */
  readonly checkedResult: Result;
}

/** The input that a job type's function receives. @public */
export type InputOf<Type extends JobType> = z.output<Type['input']>;
/** The result that a job type's function returns. @public */
export type ResultOf<Type extends JobType> = z.output<Type['result']>;

/** Marks what `defineJob` returns; the same in every copy of this package that a process loads. */
const JOB_TYPE = Symbol.for('accepted.jobType');

/** Whether a value is what `defineJob` returned. */
export function isJobType(value: unknown): value is JobType {
  return typeof value === 'object' && value !== null && JOB_TYPE in value;
}

/**
 * Defines a job type. A file in the folder of job types that exports it adds it to both APIs and the worker.
 * @throws TypeError, which names the field, for an input or a result that is not `z.object(…)`
 */
export function defineJob<Input extends z.ZodObject, Result extends z.ZodObject>(
  definition: JobDefinition<Input, Result>,
): JobType<Input, Result> {
  for (const side of ['input', 'result'] as const) {
    if (!(definition[side] instanceof z.ZodObject)) throw new TypeError(`${side}: expected z.object({ … })`);
  }
  return Object.freeze({
    [JOB_TYPE]: true,
    attempts: 3,
    backoffSeconds: 1,
    timeoutSeconds: 60,
    outageSeconds: 3600,
    ...definition,
    ...(definition.resource && { resource: encoded(definition.resource, definition.result) }),
    strictInput: toStrict(definition.input),
    acceptedInput: toAccepted(definition.input),
    checkedResult: toResultSchema(definition.result),
  });
}

/** The same resource, as callers read it: with the values that codecs encode, if its schema has any. */
function encoded<Result extends z.ZodObject>(
  resource: Resource<z.output<Result>>,
  schema: Result,
): Resource<z.output<Result>> {
  if (!partsOf(schema, '').some((part) => isCodec(part.schema))) return resource;
  return {
    // Jobs keep the encoded result.
    idOf: (result) => resource.idOf(z.decode(schema, result as z.input<Result>)),
    async find(id, use) {
      const found = await resource.find(id, use);
      // Nothing but the APIs reads it.
      return found && (z.encode(schema, found) as z.output<Result>);
    },
  };
}
