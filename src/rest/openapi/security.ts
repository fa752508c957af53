import type { Security, SecurityScheme } from './types.ts';

/** What says who the caller is. An open server asks for none of it. */
export const securitySchemes = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key, a JWT, or the `accessToken` of a job (RFC 6750, section 2.1).',
  },
  apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'An API key.' },
  accessToken: {
    type: 'apiKey',
    in: 'query',
    name: 'access_token',
    description:
      'The `accessToken` of a job, for what cannot set headers, such as `EventSource` (RFC 6750, section 2.3). It is good for that job alone.',
  },
} as const satisfies Record<string, SecurityScheme>;

const caller: Security = [{}, { bearer: [] }, { apiKey: [] }];

/** Whom an operation is for: everybody, the callers, or also who has the key of the job that it is about. */
export const SECURITY = { everybody: [], callers: caller, keyHolders: [...caller, { accessToken: [] }] } as const;
