/** Who may do what: the one place that decides. */
import type { Caller, Principal, Scope } from './caller.ts';
import { ServiceError } from '../errors.ts';
import type { Job } from '../job.ts';

const REALM = 'Bearer realm="Accepted"';

/** 401 with its challenge (RFC 6750, section 3): nothing was presented that says who the caller is. */
export function unauthenticated(): ServiceError {
  return new ServiceError('unauthenticated', 'Send an API key or an access token.', { challenge: REALM });
}

/** @param detail why what was presented says nothing true; of printable ASCII without quotes (RFC 6750, section 3) */
export function invalidToken(detail: string, cause?: unknown): ServiceError {
  const challenge = `${REALM}, error="invalid_token", error_description="${detail}"`;
  return new ServiceError('unauthenticated', detail, { challenge, cause });
}

function forbidden(scope: Scope): ServiceError {
  const challenge = `${REALM}, error="insufficient_scope", scope="${scope}"`;
  return new ServiceError('forbidden', `This needs the scope ${scope}.`, { challenge });
}

/** @throws ServiceError `forbidden` that names the scope */
export function requireScope(caller: Caller, scope: Scope): Principal {
  if (caller.kind === 'job-key' || !(caller.scopes.has(scope) || isAdmin(caller))) throw forbidden(scope);
  return caller;
}

/**
 * @param scope what a principal needs; who holds the job's own key needs none
 * @throws ServiceError `forbidden` that names the scope; `unauthenticated`, for the key of another job
 */
export function requireJobAccess(caller: Caller, id: string, scope: Scope): void {
  if (caller.kind === 'principal') requireScope(caller, scope);
  else if (caller.jobId !== id) throw invalidToken('The access token is for another job.');
}

/** Whether a job that was found is there for the caller: another one's is not. */
export function canSee(caller: Caller, job: Job): boolean {
  if (caller.kind === 'principal') return caller.id === job.caller || isAdmin(caller);
  return caller.jobId === job.id && caller.createdAt === job.createdAt.getTime();
}

function isAdmin({ scopes }: Principal): boolean {
  return scopes.has('admin');
}
