/**
 * A client for Accepted's REST API, for browsers (2024 and later) and Node (20 and later). It knows no job type, has no dependencies
 * and needs only `fetch`.
 */
import type { BatchReference } from './batch.ts';
import type { Client, ClientOptions, Name, SubmitOptions, WaitForBatchOptions } from './client-types.ts';
import { JobNotSucceededError } from './errors.ts';
import { newIdempotencyKey, toHeaderValue } from './idempotency-key.ts';
import { toQuery } from './job-options.ts';
import type { JobReference } from './job.ts';
import type { JobTypeMap } from './job-type-map.ts';
import { type Reply, type Transport, type TransportOptions, createTransport } from './transport.ts';
import { lastOf, waitUntilDone } from './wait.ts';
import { toJob, watchPoll } from './watch-poll.ts';

export type { Batch, BatchItem, BatchReference, BatchResult, SubmittedBatch } from './batch.ts';
export type * from './client-types.ts';
export { type InputProblem, JobNotSucceededError, ProblemError, type ProblemName } from './errors.ts';
export type {
  Job,
  JobAttempt,
  JobFailure,
  JobFields,
  JobReference,
  SubmittedJob,
  SucceededJob,
  UnfinishedJob,
  UnsuccessfulJob,
} from './job.ts';
export type { Output } from './output.ts';
export type { AnyJobTypes, FileLink, JobTypeMap, JobTypeShape, ShapeOf } from './job-type-map.ts';

/**
 * Creates a client for job types whose inputs and results the compiler does not know. It keeps no connections or timers open between
 * calls, so it does not have to be closed.
 * @throws TypeError if `baseUrl` is not a valid URL
 */
export function createClient(options: ClientOptions): Client;
/**
 * Creates a client for known job types. `accepted generate` writes a module whose `createClient` does this for the server's job types;
 * others are declared by hand: `createClient<{ thumbnail: { input: …; result: … } }>({ baseUrl, collections })`.
 */
export function createClient<Types extends JobTypeMap<Types>>(
  options: ClientOptions & { readonly collections: Readonly<Record<Name<Types>, string>> },
): Client<Types>;
// Callers see the overloads above. No single return type fits both, hence `unknown`.
export function createClient(options: ClientOptions): unknown {
  const { collections = {}, headers = {}, silenceSeconds = 45 } = options;
  const transportOptions: TransportOptions = {
    baseUrl: options.baseUrl,
    // Looked up at each call, so that a replaced global takes effect. Browsers reject `fetch` called as a method of another object.
    fetch: (input, init) => (options.fetch ?? fetch)(input, init),
    headers: typeof headers === 'function' ? headers : () => headers,
    retryForSeconds: options.retryForSeconds ?? 60,
  };
  const transport = createTransport(transportOptions);
  /** A transport that authenticates with a job's access token, if one is given. */
  const withToken = (token: string | undefined): Transport =>
    token === undefined
      ? transport
      : createTransport({
          ...transportOptions,
          headers: async () => toBearer(new Headers(await transportOptions.headers()), token),
        });

  async function post(
    type: string,
    suffix: string,
    body: unknown,
    { idempotencyKey = newIdempotencyKey(), signal, ...jobOptions }: SubmitOptions = {},
  ): Promise<Reply> {
    const collection = Object.hasOwn(collections, type) ? collections[type] : undefined;
    if (collection === undefined) {
      throw new TypeError(
        `No collection for the job type "${type}": pass createClient({ collections: { ${type}: … } }).`,
      );
    }
    const path = `/api/${collection}${suffix}${toQuery(jobOptions)}`;
    const key = { 'Idempotency-Key': toHeaderValue(idempotencyKey) };
    return transport.request('POST', path, { headers: key, body, signal });
  }

  const client: Client = {
    async submit(type, input, submitOptions) {
      return toJob(await post(type, '', input, submitOptions));
    },

    async wait(job, { signal, onProgress, accessToken } = {}) {
      const path = pathOf(job);
      const through = withToken(accessToken);
      const done = await waitUntilDone(through, { path, signal, silenceSeconds, onProgress });
      if (done.status !== 'Succeeded') throw new JobNotSucceededError(done);
      return (await through.request('GET', `${path}/result`, { signal })).body;
    },

    async submitAndWait(type, input, both = {}) {
      const { onProgress: _onProgress, ...submitOptions } = both;
      return client.wait(await client.submit(type, input, submitOptions), both);
    },

    async read(job, { signal, accessToken } = {}) {
      return toJob(await withToken(accessToken).request('GET', `${pathOf(job)}?onComplete=status`, { signal }));
    },

    async cancel(job, { signal, accessToken } = {}) {
      return toJob(await withToken(accessToken).request('DELETE', pathOf(job), { signal, repeatable: false }));
    },

    async retry(job, { signal } = {}) {
      return toJob(await transport.request('POST', `${pathOf(job)}/retry`, { signal, repeatable: false }));
    },

    async *output(job, { after = 0, signal, accessToken } = {}) {
      const { readOutput } = await import('./output.ts');
      yield* readOutput(withToken(accessToken), { path: pathOf(job), after, signal, silenceSeconds });
    },

    // Loaded by those who use them.
    async submitMany(type, items, submitOptions) {
      const { toBatch } = await import('./batch.ts');
      return toBatch(await post(type, '/batch', { items }, submitOptions));
    },

    async waitForBatch<Type extends string>(
      batch: BatchReference<Type>,
      { signal, onProgress }: WaitForBatchOptions<Type> = {},
    ) {
      const { toBatch } = await import('./batch.ts');
      const polled = {
        path: pathOf(batch, 'batches'),
        toState: toBatch<Type>,
        signal,
        progress: onProgress !== undefined,
      };
      return lastOf(watchPoll(transport, polled), onProgress);
    },

    async *batchResults(batch, { signal } = {}) {
      const { readResults } = await import('./batch.ts');
      yield* readResults(transport, `${pathOf(batch, 'batches')}/results`, { signal, silenceSeconds });
    },

    async upload(file, uploadOptions = {}) {
      // Few clients need it.
      const { uploadFile } = await import('./upload.ts');
      return uploadFile(transport, transportOptions.fetch, file, uploadOptions);
    },

    async cancelBatch(batch, { signal } = {}) {
      const { toBatch } = await import('./batch.ts');
      return toBatch(
        await transport.request('POST', `${pathOf(batch, 'batches')}/cancel`, { signal, repeatable: false }),
      );
    },
  };
  return client;
}

/** Replaces the client's own credentials, because the server refuses more than one. */
function toBearer(headers: Headers, token: string): Headers {
  headers.delete('X-API-Key');
  headers.set('Authorization', `Bearer ${token}`);
  return headers;
}

/** Built from the id rather than taken from `statusUrl`, because the client may reach the server under another host name. */
function pathOf(job: JobReference, kind = 'jobs'): string {
  return `/api/${kind}/${encodeURIComponent(typeof job === 'string' ? job : job.id)}`;
}
