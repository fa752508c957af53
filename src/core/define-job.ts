import type { z } from 'zod';
import type { Logger } from './ports.ts';
import type { Use } from './provider.ts';
import { toStrict } from './input/strict-schema.ts';

/** What a job's function is given beside its input. */
export interface JobContext {
  readonly id: string;
  /** 1 for the first run. */
  readonly attempt: number;
  /** Aborted when the attempt times out, the job is canceled or the worker shuts down: stop soon, and throw. */
  readonly signal: AbortSignal;
  /** Writes with the job's id; log no personal data. */
  readonly log: Logger;
  /** What the composition root provides under this key. */
  readonly use: Use;
  /**
   * Tells the callers how far the work is. May be called as often as it suits: of more than about ten a second the latest is told.
   * @param percentComplete 0 to 100; rounded down, and kept inside these bounds
   * @param message at most 200 characters; a longer one is cut
   */
  progress(percentComplete: number, message?: string): Promise<void>;
}

/** The thing the work makes, readable at `/api/{collection}/{id}` and as a query field with the job type's name. */
export interface Resource<Result> {
  idOf(result: Result): string;
  /** Resolves to undefined if there is none with this id. */
  find(id: string, use: Use): Promise<Result | undefined>;
}

export interface JobDefinition<Input extends z.ZodObject, Result extends z.ZodObject> {
  /** In camelCase, at most 40 characters, unique. The file has the same name in kebab-case. */
  readonly name: string;
  /** The REST collection, in kebab-case and plural, unique: `POST /api/{collection}` submits. */
  readonly collection: string;
  /** One sentence; GraphQL shows it. */
  readonly description: string;
  /** What callers send. Unknown fields are refused, at every depth. */
  readonly input: Input;
  /** What the function returns, at most 1.5 MiB as JSON; checked before callers see it. */
  readonly result: Result;
  /**
   * The most runs there will be, 100 at most.
   * @default 3
   */
  readonly attempts?: number;
  /**
   * Seconds before the second attempt. Each further wait is twice as long, less a random part of up to a half.
   * @default 1
   */
  readonly backoffSeconds?: number;
  /**
   * Seconds one attempt may take.
   * @default 60
   */
  readonly timeoutSeconds?: number;
  /**
   * Jobs of this type that one worker process runs at a time.
   * @default the setting WORKER_CONCURRENCY
   */
  readonly concurrency?: number;
  readonly resource?: Resource<z.output<Result>>;
  /**
   * Does the work. Must be safe to run again: delivery is at least once.
   * @throws JobError for a failure that callers may read
   */
  run(input: z.output<Input>, job: JobContext): Promise<z.input<Result>> | z.input<Result>;
}

/** A job type with its defaults filled in. */
export interface JobType<
  Input extends z.ZodObject = z.ZodObject,
  Result extends z.ZodObject = z.ZodObject,
> extends JobDefinition<Input, Result> {
  readonly attempts: number;
  readonly backoffSeconds: number;
  readonly timeoutSeconds: number;
  /** `input`, refusing unknown fields at every depth. */
  readonly strictInput: Input;
}

/** What a job type's function is given. @public */
export type InputOf<Type extends JobType> = z.output<Type['input']>;
/** What callers read as a job type's result. @public */
export type ResultOf<Type extends JobType> = z.output<Type['result']>;

/** Defines a job type. As the default export of a file in `src/jobs/` it is all that a new kind of work takes. */
export function defineJob<Input extends z.ZodObject, Result extends z.ZodObject>(
  definition: JobDefinition<Input, Result>,
): JobType<Input, Result> {
  return Object.freeze({
    attempts: 3,
    backoffSeconds: 1,
    timeoutSeconds: 60,
    ...definition,
    strictInput: toStrict(definition.input),
  });
}
