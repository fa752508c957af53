/** What a principal may do with its own jobs: hand them in, cancel and retry them; read them. `admin`: all, and with everybody's. */
export const SCOPES = ['submit', 'read', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** Somebody who submits jobs, and sees those that it submitted. */
export interface Principal {
  readonly kind: 'principal';
  /** Of printable ASCII, 140 characters at most: it becomes a part of names in the stores. */
  readonly id: string;
  readonly scopes: ReadonlySet<Scope>;
}

/** Whoever holds the key of one job may read and cancel that one. */
export interface JobKeyHolder {
  readonly kind: 'job-key';
  readonly jobId: string;
  /** When the job was created, in milliseconds since 1970: once it is forgotten, its idempotency key gives its id to another. */
  readonly createdAt: number;
}

/** Who sends a request. */
export type Caller = Principal | JobKeyHolder;

/** Everybody, where the server does not ask who they are. */
export const ANONYMOUS: Principal = { kind: 'principal', id: 'anonymous', scopes: new Set(['submit', 'read']) };

/** What a request says of who sends it. */
export interface Credentials {
  /** Of `Authorization: Bearer …` (RFC 6750, section 2.1). */
  readonly bearer: string | undefined;
  /** Of `X-API-Key`. */
  readonly apiKey: string | undefined;
  /** Each `access_token` in the URL (RFC 6750, section 2.3). */
  readonly accessTokens: readonly string[];
}

/**
 * Finds out who sends a request: at once where nothing has to be asked for that, as it is done for each of them.
 * @throws ServiceError `unauthenticated`; `malformed-request`, for more than one credential; `queue-unavailable` or
 * `service-unavailable`, when what would tell can't be reached
 */
export type Authenticate = (credentials: Credentials) => Caller | Promise<Caller>;
