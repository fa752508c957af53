/**
 * A client for Accepted's REST API, for browsers (2024 and later) and Node (24 and later). It has no dependencies and needs only
 * `fetch`.
 */
import type { Client, ClientOptions, TypedClientOptions } from './client-types.ts';
import { JobNotSucceededError } from './errors.ts';
import { newIdempotencyKey, toHeaderValue } from './idempotency-key.ts';
import type { Job } from './job.ts';
import type { JobTypeMap, JobTypeShape } from './job-type-map.ts';
import { COLLECTIONS } from './job-types.ts';
import { type Transport, type TransportOptions, createTransport } from './transport.ts';
import { waitUntilDone } from './wait.ts';
import { toJob, toSubmittedJob } from './watch-poll.ts';

export type * from './client-types.ts';
export { type InputProblem, JobNotSucceededError, ProblemError } from './errors.ts';
export type { Job, SubmittedJob, SucceededJob, UnfinishedJob, UnsuccessfulJob } from './job.ts';
export type { JobTypeMap, JobTypeShape } from './job-type-map.ts';
export type { JobTypes } from './job-types.ts';

/** The types of inputs and results do not exist at run time, so the implementation works on any job type. */
type AnyClient = Client<Readonly<Record<string, JobTypeShape>>>;

/**
 * Creates a client. It keeps no connections or timers open between calls, so it does not have to be closed.
 * @throws TypeError if `baseUrl` is not a valid URL
 */
export function createClient(options: ClientOptions): Client;
/** Creates a client for your own job types: `createClient<{ thumbnail: { input: …; result: … } }>({ baseUrl, collections })`. */
export function createClient<Types extends JobTypeMap<Types>>(options: TypedClientOptions<Types>): Client<Types>;
// Callers see the overloads above. No single return type fits both, hence `unknown`.
export function createClient(options: ClientOptions & { collections?: Readonly<Record<string, string>> }): unknown {
  const collections: Readonly<Record<string, string>> = options.collections ?? COLLECTIONS;
  const { headers = {}, silenceSeconds = 45 } = options;
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

  const client: AnyClient = {
    async submit(type, input, { idempotencyKey = newIdempotencyKey(), signal } = {}) {
      const collection = Object.hasOwn(collections, type) ? collections[type] : undefined;
      if (collection === undefined) throw new TypeError(`Unknown job type "${type}".`);
      const key = { 'Idempotency-Key': toHeaderValue(idempotencyKey) };
      return toSubmittedJob(
        await transport.request('POST', `/api/${collection}`, { headers: key, body: input, signal }),
      );
    },

    async wait(job, { signal, onProgress, accessToken } = {}) {
      const path = pathOf(job);
      const through = withToken(accessToken);
      const done = await waitUntilDone(through, { path, signal, silenceSeconds, onProgress });
      if (done.status !== 'Succeeded') throw new JobNotSucceededError(done);
      return (await through.request('GET', `${path}/result`, { signal })).body;
    },

    async submitAndWait(type, input, both) {
      return client.wait(await client.submit(type, input, both), both);
    },

    async read(job, { signal, accessToken } = {}) {
      return toJob(await withToken(accessToken).request('GET', `${pathOf(job)}?onComplete=status`, { signal }));
    },

    async cancel(job, { signal, accessToken } = {}) {
      return toJob(await withToken(accessToken).request('DELETE', pathOf(job), { signal, repeatable: false }));
    },

    async retry(job, { signal } = {}) {
      return toSubmittedJob(await transport.request('POST', `${pathOf(job)}/retry`, { signal, repeatable: false }));
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
function pathOf(job: Job | string): string {
  return `/api/jobs/${encodeURIComponent(typeof job === 'string' ? job : job.id)}`;
}
