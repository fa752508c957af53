import { createHash } from 'node:crypto';
import type { Principal, Scope } from '../../src/core/access/caller.ts';
import type { TestApp } from './app.ts';

export function principal(id: string, scopes: readonly Scope[] = ['submit', 'read']): Principal {
  return { kind: 'principal', id, scopes: new Set(scopes) };
}

/** The scopes of each key in `API_KEYS`. */
const KEYS = {
  ada: 'submit+read',
  eve: 'submit+read',
  submitter: 'submit',
  reader: 'read',
  admin: 'admin',
} as const;
export type KeyName = keyof typeof KEYS;

export const keyOf = (name: KeyName): string => `accepted_the-key-of-${name}`;

/** The setting that admits only these callers. */
export const API_KEYS = Object.entries(KEYS)
  .map(([name, scopes]) => {
    const hash = createHash('sha256').update(`accepted_the-key-of-${name}`);
    return `${name}:${scopes}:${hash.digest('hex')}`;
  })
  .join(',');

/** The parts of a reply of either API that tests of callers use. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed JSON; undefined for another body. */
  readonly body: unknown;
}

/** Sends requests with one credential or none. */
export interface Client {
  rest(path: string, init?: { method?: string; body?: unknown; headers?: Record<string, string> }): Promise<Answer>;
  graphql(query: string, variables?: object): Promise<Answer>;
}

export function clientOf(app: Pick<TestApp, 'fetch'>, credential: Record<string, string> = {}, query = ''): Client {
  const send = async (path: string, init: RequestInit): Promise<Answer> => {
    const url = query === '' ? path : `${path}${path.includes('?') ? '&' : '?'}${query}`;
    const response = await app.fetch(url, init);
    const text = response.headers.get('content-type')?.includes('json') === true ? await response.text() : '';
    if (text === '') await response.body?.cancel();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
    };
  };
  return {
    rest: (path, { method = 'GET', body, headers } = {}) =>
      send(path, {
        method,
        headers: { ...(body !== undefined && { 'Content-Type': 'application/json' }), ...credential, ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    graphql: (text, variables) =>
      send('/graphql', {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          Accept: 'application/graphql-response+json, application/json',
          ...credential,
        },
        body: JSON.stringify({ query: text, variables }),
      }),
  };
}

export const bearer = (token: string): Record<string, string> => ({ Authorization: `Bearer ${token}` });
