import type { z } from 'zod';
import { runAttempt } from '../core/attempt/run-attempt.ts';
import type { Progress } from '../core/attempt/progress.ts';
import type { JobContext, JobType } from '../core/define-job.ts';
import type { JobFailure } from '../core/job.ts';
import { newJobId } from '../core/job-id.ts';
import type { AttemptOutcome, Logger } from '../core/ports.ts';
import { createProviders } from '../core/providers.ts';
import type { Provided, Use } from '../core/register.ts';
import { isConnectionError } from '../stores/connection-error.ts';
import { type TestFile, type TestUpload, createMemoryFiles } from './memory-files.ts';

export interface RunJobOptions {
  /** What the function gets by `job.use(name)`, by name. */
  readonly providers?: Partial<Provided>;
  /** The uploads that the input names, by their ids. */
  readonly files?: Readonly<Record<string, TestUpload>>;
  /** Cancels the job when it is aborted. */
  readonly signal?: AbortSignal;
  /**
   * The number of the attempt.
   * @default 1
   */
  readonly attempt?: number;
}

/** How one attempt of a job ended. */
export interface JobRun<Result> {
  /** As callers read it; undefined if the attempt did not succeed. */
  readonly result: Result | undefined;
  /** As callers read it; undefined if the attempt succeeded. */
  readonly error: (JobFailure & { readonly retry: boolean }) | undefined;
  /** What the function threw, if that is not what callers read. */
  readonly cause: unknown;
  /** Each call of `job.progress`. */
  readonly progress: readonly Progress[];
  /** The value of each call of `job.output` that did not reject, as callers read it. Callers may read several texts joined. */
  readonly outputs: readonly unknown[];
  /** The files of the result that the function made. */
  readonly files: readonly TestFile[];
}

/**
 * Runs the function of a job type once, without a store: checks the input and the result, and applies the time limit, as a worker does.
 * @param input as callers send it; one that the schema refuses gives the error `INVALID_INPUT`
 * @throws TypeError, which names the provider, for a function that uses one that is not given
 */
export async function runJob<Input extends z.ZodObject, Result extends z.ZodObject>(
  type: JobType<Input, Result>,
  input: z.input<Input>,
  options: RunJobOptions = {},
): Promise<JobRun<z.input<Result>>> {
  const { providers: values = {}, signal, attempt = 1 } = options;
  const providers = createProviders(
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, () => value])),
  );
  await providers.open(() => ({ settings: {}, log: silent, database: refuseDatabase }));
  let missing: Error | undefined;
  const use: Use = (key: string | { readonly name: string }) => {
    const name = typeof key === 'string' ? key : key.name;
    if (Object.hasOwn(values, name)) return providers.use(name);
    missing = new TypeError(`the job uses "${name}": pass { providers: { ${name}: … } } to runJob`);
    throw missing;
  };
  const files = createMemoryFiles(options.files ?? {});
  const completed = files.complete(type.input, input);
  const checked = type.strictInput.safeParse(completed);
  if (!checked.success) {
    const message = checked.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('\n');
    return {
      result: undefined,
      error: { code: 'INVALID_INPUT', message, retry: false },
      cause: undefined,
      progress: [],
      outputs: [],
      files: [],
    };
  }
  const calls: Calls = { progress: [], outputs: [] };
  let cause: unknown;
  const outcome = await runAttempt(recordCalls(type, calls), {
    id: newJobId(type.name),
    attempt,
    input: completed,
    use,
    files,
    log: () => ({ ...silent, error: (fields) => void (cause = 'thrown' in fields ? fields.thrown : fields) }),
    isConnectionError,
    onInterruption(listener) {
      const cancel = (): void => listener('canceled');
      if (signal?.aborted === true) cancel();
      signal?.addEventListener('abort', cancel);
      return () => signal?.removeEventListener('abort', cancel);
    },
    writeProgress: async () => undefined,
    hasOutput: false,
    storeOutput: async ({ pieces }) => pieces.length,
  });
  if (missing !== undefined) throw missing;
  // The attempt has encoded it by the schema of the type.
  const result = outcome.kind === 'succeeded' ? (outcome.result as z.input<Result>) : undefined;
  return { result, error: errorOf(outcome), cause, ...calls, files: files.made() };
}

interface Calls {
  readonly progress: Progress[];
  readonly outputs: unknown[];
}

/** A worker publishes about ten updates a second, and joins texts; a test sees each call. */
function recordCalls<Type extends JobType>(type: Type, { progress, outputs }: Calls): Type {
  return {
    ...type,
    run(input: z.output<Type['input']>, job: JobContext) {
      const recorded: JobContext = {
        id: job.id,
        attempt: job.attempt,
        use: job.use,
        get signal() {
          return job.signal;
        },
        get log() {
          return job.log;
        },
        get file() {
          return job.file;
        },
        get open() {
          return job.open;
        },
        async progress(percentComplete, message) {
          progress.push({ percentComplete, message: message ?? null });
          await job.progress(percentComplete, message);
        },
        async output(value) {
          await job.output(value);
          outputs.push(JSON.parse(JSON.stringify(value)));
        },
      };
      return type.run(input, recorded);
    },
  };
}

function errorOf(outcome: AttemptOutcome): JobRun<unknown>['error'] {
  switch (outcome.kind) {
    case 'succeeded':
      return undefined;
    case 'canceled':
      return { ...outcome.error, retry: false };
    case 'failed':
    case 'postponed':
      return { ...outcome.error, retry: outcome.retry };
    case 'handed-back':
    case 'lost':
      throw new Error('only a worker can lose or return a job');
  }
}

const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
  isLevelEnabled: () => false,
};

async function refuseDatabase(): Promise<never> {
  throw new Error('a test replaces providers, and has no database');
}
