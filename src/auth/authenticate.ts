import {
  type Authenticate,
  type Credentials,
  ANONYMOUS,
  invalidToken,
  unauthenticated,
} from '../core/access/caller.ts';
import { ServiceError } from '../core/errors.ts';
import { type JobKeys, isJobKey } from '../core/access/job-token.ts';
import type { Logger } from '../core/ports.ts';
import { createApiKeys } from './api-keys.ts';
import type { AuthConfig } from './auth-settings.ts';
import { createJwtVerifier } from './jwt.ts';

/** An open server accepts anyone and reads only the access tokens of jobs: other credentials may be for a proxy. */
export function createAuthenticate(auth: AuthConfig, jobKeys: JobKeys, logger: Logger): Authenticate {
  if (auth.kind === 'open') {
    return ({ bearer, accessTokens }) => {
      if (bearer === undefined && accessTokens.length === 0) return ANONYMOUS;
      const jobKey = only([...accessTokens, ...(bearer !== undefined && isJobKey(bearer) ? [bearer] : [])]);
      return jobKey === undefined ? ANONYMOUS : jobKeys.verify(jobKey);
    };
  }

  const findApiKey = createApiKeys(auth.apiKeys);
  const verifyJwt = auth.jwt && createJwtVerifier(auth.jwt, logger);
  return ({ bearer, apiKey, accessTokens }: Credentials) => {
    const presented = only([bearer, apiKey, ...accessTokens].filter((each) => each !== undefined));
    if (presented === undefined) throw unauthenticated();
    // URLs end up in logs and histories, so only the access token of a single job is accepted there.
    if (accessTokens.length > 0) return jobKeys.verify(presented);
    if (bearer !== undefined && isJobKey(bearer)) return jobKeys.verify(bearer);
    const principal = findApiKey(presented);
    if (principal !== undefined) return principal;
    if (bearer !== undefined && verifyJwt !== undefined) return verifyJwt(bearer);
    throw invalidToken(`The ${apiKey === undefined ? 'token' : 'API key'} is not valid.`);
  };
}

/** @throws ServiceError `malformed-request` for several credentials, which would be ambiguous (RFC 6750, section 2) */
function only(credentials: readonly string[]): string | undefined {
  if (credentials.length > 1) throw new ServiceError('malformed-request', 'Send one credential only.');
  return credentials[0];
}
