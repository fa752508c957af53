/**
 * A client of Accepted, for browsers (those of 2024 and later) and for Node 24 and later: `fetch` is all it needs.
 * It speaks the REST face.
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

/** Whatever the job types are: at run time there are only their names. */
type AnyClient = Client<Readonly<Record<string, JobTypeShape>>>;

/**
 * Makes a client. It holds nothing open between calls.
 * @throws TypeError if `baseUrl` is no URL
 */
export function createClient(options: ClientOptions): Client;
/** As above, for job types of your own: `createClient<{ thumbnail: { input: …; result: … } }>({ baseUrl, collections })`. */
export function createClient<Types extends JobTypeMap<Types>>(options: TypedClientOptions<Types>): Client<Types>;
// What callers give and get is said above; no type can say more of both than this.
export function createClient(options: ClientOptions & { collections?: Readonly<Record<string, string>> }): unknown {
  const collections: Readonly<Record<string, string>> = options.collections ?? COLLECTIONS;
  const { headers = {}, silenceSeconds = 45 } = options;
  const transportOptions: TransportOptions = {
    baseUrl: options.baseUrl,
    // Looked up when it is called, and called as a function: a browser's `fetch` is no method of anything else.
    fetch: (input, init) => (options.fetch ?? fetch)(input, init),
    headers: typeof headers === 'function' ? headers : () => headers,
    retryForSeconds: options.retryForSeconds ?? 60,
  };
  const transport = createTransport(transportOptions);
  /** What speaks with the key of one job, if there is one. */
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
      if (collection === undefined) throw new TypeError(`There is no job type called "${type}".`);
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

/** More than one credential would be refused. */
function toBearer(headers: Headers, token: string): Headers {
  headers.delete('X-API-Key');
  headers.set('Authorization', `Bearer ${token}`);
  return headers;
}

/** Not the job's own `statusUrl`: a client may know the server by another name than the server does. */
function pathOf(job: Job | string): string {
  return `/api/jobs/${encodeURIComponent(typeof job === 'string' ? job : job.id)}`;
}
