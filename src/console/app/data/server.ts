import { newIdempotencyKey, toHeaderValue } from '../../../client/idempotency-key.ts';
import type { ConsoleSubmission, JobData, Session, Upload } from '../../session.ts';
import { Failure, fromGraphQL, fromProblem, unreachable } from './failure.ts';
import type { TypedDocumentString } from './generated/graphql.ts';

/** Seconds without a reply after which a request has failed. */
const REPLY_SECONDS = 30;

export type Document<Data, Variables> = TypedDocumentString<Data, Variables>;

interface Request {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

/** The server that the page is from. Each method rejects with a Failure. */
export interface Server {
  session(): Promise<Session>;
  /** The input and the result of a job of any type. */
  jobData(id: string): Promise<JobData>;
  /** @returns the job's id */
  submit(type: string, submission: ConsoleSubmission): Promise<string>;
  /** Sends a file for the input of a job. @returns its id */
  upload(file: File): Promise<string>;
  query<Data, Variables>(document: Document<Data, Variables>, variables: Variables): Promise<Data>;
  /** Opens the stream of a subscription; rejects with a Failure for any other reply. */
  open<Data, Variables>(
    document: Document<Data, Variables>,
    variables: Variables,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
}

/**
 * @param root where the server is, with its path behind a proxy
 * @param credential an API key or a token, which stays in this closure
 * @param onUnauthenticated called when the server refuses the credential
 */
export function createServer(root: URL, credential: string | undefined, onUnauthenticated: () => void): Server {
  async function send(path: string, init: Request): Promise<Response> {
    const headers = { ...init.headers, ...(credential !== undefined && { Authorization: `Bearer ${credential}` }) };
    let response: Response;
    try {
      response = await fetch(new URL(path, root), { cache: 'no-store', credentials: 'omit', ...init, headers });
    } catch (error) {
      init.signal?.throwIfAborted();
      throw unreachable(error);
    }
    if (response.status === 401) onUnauthenticated();
    return response;
  }

  async function read(path: string, init: Request = {}): Promise<unknown> {
    const response = await send(path, { signal: AbortSignal.timeout(REPLY_SECONDS * 1000), ...init });
    const text = await response.text();
    if (!response.ok) throw fromProblem(response, text);
    return JSON.parse(text);
  }

  return {
    // What the routes of the console send is what their types say: both are built together.
    session: async () => (await read('console/api/session')) as Session,
    jobData: async (id) => (await read(`console/api/jobs/${encodeURIComponent(id)}`)) as JobData,

    async submit(type, submission) {
      const { headers, ...init } = post('application/json', submission);
      const key = { 'Idempotency-Key': toHeaderValue(newIdempotencyKey()) };
      return (
        (await read(`console/api/types/${encodeURIComponent(type)}/jobs`, {
          ...init,
          headers: { ...headers, ...key },
        })) as { readonly id: string }
      ).id;
    },

    async upload(file) {
      const { name, size } = file;
      const info = { name, contentType: file.type || 'application/octet-stream', size };
      // As above.
      const { id, url, headers } = (await read('console/api/uploads', post('application/json', info))) as Upload;
      let response: Response;
      try {
        // Without the credential: the URL may be one of a bucket.
        response = await fetch(url, { method: 'PUT', headers, body: file, credentials: 'omit' });
      } catch (error) {
        throw unreachable(error);
      }
      if (!response.ok) throw fromProblem(response, await response.text());
      return id;
    },

    async query<Data, Variables>(document: Document<Data, Variables>, variables: Variables) {
      const init = post('application/graphql-response+json', { query: document.toString(), variables });
      const response = await send('graphql', { ...init, signal: AbortSignal.timeout(REPLY_SECONDS * 1000) });
      const text = await response.text();
      const { data, errors } = parseResult<Data>(response, text);
      const [error] = errors ?? [];
      if (error !== undefined) throw fromGraphQL(error);
      if (data == null) throw fromProblem(response, text);
      return data;
    },

    async open(document, variables, signal) {
      const response = await send('graphql', {
        ...post('text/event-stream', { query: document.toString(), variables }),
        signal,
      });
      if (!response.ok || response.body === null) throw fromProblem(response, await response.text());
      return response.body;
    },
  };
}

function post(accept: string, body: unknown) {
  return {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: accept },
    body: JSON.stringify(body),
  };
}

/** A result as GraphQL over HTTP has it. */
export interface GraphQLResult<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

/** @throws Failure for a reply of another server, such as a proxy */
function parseResult<Data>(response: Response, text: string): GraphQLResult<Data> {
  try {
    // The document was checked against the schema, whose types these are.
    return JSON.parse(text) as GraphQLResult<Data>;
  } catch {
    throw response.ok ? new Failure('', 'The reply is not JSON.') : fromProblem(response, text);
  }
}
