/** Callers, and the one place that decides what each may do. */
import { ServiceError, type ServiceErrorOptions } from '../errors.ts';
import type { Job } from '../job.ts';

/**
 * What a principal may do. `submit`: submit jobs, and cancel and retry its own. `read`: read its own jobs. `admin`: everything,
 * with every caller's jobs.
 */
export const SCOPES = ['submit', 'read', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** An authenticated or anonymous user, who owns the jobs that it submits. */
export interface Principal {
  readonly kind: 'principal';
  /** Printable ASCII, at most 140 characters: it becomes part of key names in the stores. */
  readonly id: string;
  readonly scopes: ReadonlySet<Scope>;
}

/** The holder of one job's access token, who may read and cancel that job. */
export interface JobKeyHolder {
  readonly kind: 'job-key';
  readonly jobId: string;
  /** When the job was created, in milliseconds since 1970. An expired job's id may be reused by its idempotency key. */
  readonly createdAt: number;
}

/** The sender of a request. */
export type Caller = Principal | JobKeyHolder;

/**
 * The caller of every request to a server without authentication. Such a server is open on purpose, and its operator is one of those who
 * call, so that each is an admin.
 */
export const ANONYMOUS: Principal = { kind: 'principal', id: 'anonymous', scopes: new Set(SCOPES) };

/** The credentials in a request. */
export interface Credentials {
  /** From `Authorization: Bearer …` (RFC 6750, section 2.1). */
  readonly bearer: string | undefined;
  /** From `X-API-Key`. */
  readonly apiKey: string | undefined;
  /** Every `access_token` in the URL (RFC 6750, section 2.3). */
  readonly accessTokens: readonly string[];
}

/**
 * Identifies the caller of a request. Synchronous where no look-up is needed, because it runs for every request.
 * @throws ServiceError `unauthenticated`; `malformed-request`, for more than one credential; `queue-unavailable` or
 * `service-unavailable`, when a store or key server that it needs is unavailable
 */
export type Authenticate = (credentials: Credentials) => Caller | Promise<Caller>;

const REALM = 'Bearer realm="Accepted"';

/** The 401 for a request without credentials, with its challenge (RFC 6750, section 3). */
export function unauthenticated(): ServiceError {
  return new ServiceError('unauthenticated', 'Send an API key or an access token.', { challenge: REALM });
}

/** @param detail why the credentials are invalid; printable ASCII without quotes (RFC 6750, section 3) */
export function invalidToken(
  detail: string,
  options: Pick<ServiceErrorOptions, 'cause' | 'caller'> = {},
): ServiceError {
  const challenge = `${REALM}, error="invalid_token", error_description="${detail}"`;
  return new ServiceError('unauthenticated', detail, { challenge, ...options });
}

function forbidden(scope: Scope, caller: Caller): ServiceError {
  const challenge = `${REALM}, error="insufficient_scope", scope="${scope}"`;
  return new ServiceError('forbidden', `The scope ${scope} is required.`, { challenge, caller: nameOf(caller) });
}

/** A caller as the log names it. */
export function nameOf(caller: Caller): string {
  return caller.kind === 'principal' ? caller.id : `job-key:${caller.jobId}`;
}

/** @throws ServiceError `forbidden`, which names the scope */
export function requireScope(caller: Caller, scope: Scope): Principal {
  if (caller.kind === 'job-key' || !(caller.scopes.has(scope) || isAdmin(caller))) throw forbidden(scope, caller);
  return caller;
}

/**
 * @param scope what a principal needs; the holder of the job's own access token needs none
 * @throws ServiceError `forbidden`, which names the scope; `unauthenticated`, for the access token of another job
 */
export function requireJobAccess(caller: Caller, id: string, scope: Scope): void {
  if (caller.kind === 'principal') requireScope(caller, scope);
  else if (caller.jobId !== id) throw invalidToken('The access token is for another job.', { caller: nameOf(caller) });
}

/** Whether the caller may see a job. A job that it may not see is reported as missing. */
export function canSee(caller: Caller, job: Pick<Job, 'id' | 'caller' | 'createdAt'>): boolean {
  if (caller.kind === 'principal') return caller.id === job.caller || isAdmin(caller);
  return caller.jobId === job.id && caller.createdAt === job.createdAt.getTime();
}

export function isAdmin(caller: Caller): boolean {
  return caller.kind === 'principal' && caller.scopes.has('admin');
}

/**
 * Whose jobs a caller may list.
 * @param wanted the id of the caller whose jobs it asks for; undefined: all that it may see
 * @returns that id; undefined for all callers
 * @throws ServiceError `forbidden`, for another caller's without the scope `admin`, whether or not there is such a caller
 */
export function listedCaller(caller: Principal, wanted: string | undefined): string | undefined {
  if (isAdmin(caller)) return wanted;
  if (wanted !== undefined && wanted !== caller.id) throw forbidden('admin', caller);
  return caller.id;
}
