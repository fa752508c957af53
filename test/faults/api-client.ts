import { z } from 'zod';
import { QUEUE_UNCONFIRMED } from '../../src/core/errors.ts';
import { nameOf } from './customers-database.ts';
import type { Api, Ledger } from './ledger.ts';

/** A reply that takes longer counts as a hang. */
const HANG_MS = 15_000;

/** The outcome of a request. */
export type Answer<T> =
  | { readonly kind: 'answered'; readonly value: T }
  /** @property isUnconfirmed whether the reply says that the change may have been made */
  | { readonly kind: 'refused'; readonly isUnconfirmed: boolean }
  /** The connection failed. */
  | { readonly kind: 'unanswered' };

export interface SeenJob {
  readonly id: string;
  readonly status: string;
  /** Seconds; null when the job is done. */
  readonly retryAfter: number | null;
}

const jobSchema = z.object({ id: z.string(), status: z.string(), retryAfter: z.number().nullable() });
const listSchema = z.object({ items: z.array(jobSchema) });
const notFoundSchema = z.object({ type: z.string().endsWith('/problems/not-found') });
const submittedSchema = z.object({ data: z.object({ submitted: z.object({ jobId: z.string() }) }) });
const readSchema = z.object({ data: z.object({ jobStatus: jobSchema.nullable() }) });
const refusalSchema = z.object({
  extensions: z.object({ code: z.enum(['QUEUE_UNAVAILABLE', 'SERVICE_UNAVAILABLE']) }),
});
/** The refusals of both APIs: while the store is unavailable, and while the process has too much to do. */
const refusedSchema = z.union([
  z.object({ type: z.string().regex(/\/problems\/(queue|service)-unavailable$/) }),
  z.object({ errors: z.tuple([refusalSchema]) }),
]);

const SUBMIT_ONE = 'mutation ($input: SubmitCustomerInput!) { submitted: submitCustomer(input: $input) { jobId } }';
const SUBMIT_MANY =
  'mutation ($input: SubmitCustomerImportInput!) { submitted: submitCustomerImport(input: $input) { jobId } }';
const READ = 'query ($id: ID!) { jobStatus(id: $id) { id status retryAfter } }';

/** A client of both APIs that records its response times in the ledger. */
export function createApiClient(url: () => string, ledger: Ledger) {
  /** @throws Error for a reply that is neither the expected one nor a documented refusal */
  async function request<T>(path: string, init: RequestInit, toValue: (body: unknown) => T): Promise<Answer<T>> {
    const startedAt = performance.now();
    let response: Response;
    let body: unknown;
    try {
      response = await fetch(new URL(path, url()), { ...init, signal: AbortSignal.timeout(HANG_MS) });
      body = await response.json();
    } catch {
      if (performance.now() - startedAt >= HANG_MS) ledger.waited(HANG_MS);
      return { kind: 'unanswered' };
    }
    ledger.waited(performance.now() - startedAt);
    if (refusedSchema.safeParse(body).success && response.headers.get('Retry-After') !== null) {
      ledger.refused();
      return { kind: 'refused', isUnconfirmed: JSON.stringify(body).includes(QUEUE_UNCONFIRMED) };
    }
    try {
      return { kind: 'answered', value: toValue(body) };
    } catch (error) {
      throw new Error(`${path}: ${response.status} ${JSON.stringify(body)}`, { cause: error });
    }
  }

  const post = <T>(
    path: string,
    body: unknown,
    toValue: (reply: unknown) => T,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> => {
    const json = { 'Content-Type': 'application/json', Accept: 'application/graphql-response+json, */*' };
    return request(path, { method: 'POST', headers: { ...json, ...headers }, body: JSON.stringify(body) }, toValue);
  };

  return {
    /** Submits one customer, or an import of several. Resolves to the job's id. */
    submit(api: Api, customers: readonly string[], key: string | undefined): Promise<Answer<string>> {
      const inputs = customers.map((id) => ({ id, customername: nameOf(id) }));
      const one = inputs.length === 1;
      const input = one ? inputs[0] : { customers: inputs };
      const headers: Record<string, string> = key === undefined ? {} : { 'Idempotency-Key': `"${key}"` };
      if (api === 'rest') {
        const path = one ? '/api/customers' : '/api/customer-imports';
        return post(path, input, (body) => jobSchema.parse(body).id, headers);
      }
      const query = one ? SUBMIT_ONE : SUBMIT_MANY;
      return post(
        '/graphql',
        { query, variables: { input } },
        (body) => submittedSchema.parse(body).data.submitted.jobId,
        headers,
      );
    },
    /** Resolves to null for an unknown job. */
    read(api: Api, id: string): Promise<Answer<SeenJob | null>> {
      if (api === 'graphql') {
        return post('/graphql', { query: READ, variables: { id } }, (body) =>
          toRestStatus(readSchema.parse(body).data.jobStatus),
        );
      }
      return request(`/api/jobs/${id}?onPending=ok&onComplete=status`, {}, (body) =>
        notFoundSchema.safeParse(body).success ? null : jobSchema.parse(body),
      );
    },
    /** The ids of running jobs, at most 100. */
    listRunning(): Promise<Answer<string[]>> {
      return request('/api/jobs?status=Running&limit=100', {}, (body) =>
        listSchema.parse(body).items.map(({ id }) => id),
      );
    },
  };
}

export type ApiClient = ReturnType<typeof createApiClient>;

/** GraphQL writes `SUCCEEDED`. */
function toRestStatus(job: SeenJob | null): SeenJob | null {
  return job && { ...job, status: job.status.charAt(0) + job.status.slice(1).toLowerCase() };
}
