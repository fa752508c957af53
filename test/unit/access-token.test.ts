import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { array, assert, constantFrom, oneof, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { takeAccessTokens } from '../../src/http/authentication.ts';
import { createAuthentication } from '../../src/http/authentication.ts';
import { ANONYMOUS } from '../../src/core/access/caller.ts';

describe('takeAccessTokens', () => {
  it.each([
    ['/a', '/a', []],
    ['/a?', '/a?', []],
    ['/a?access_token=x', '/a', ['x']],
    ['/a?b=%20&access_token=x&c', '/a?b=%20&c', ['x']],
    ['/a?access%5Ftoken=x%2E', '/a', ['x.']],
    ['/a?access_token=x&access_token=y', '/a', ['x', 'y']],
    ['/a?access_token', '/a', ['']],
    ['/a?my_access_token=x&Access_Token=y', '/a?my_access_token=x&Access_Token=y', []],
    ['/a?b=access_token=x', '/a?b=access_token=x', []],
    ['/a?b=%&access_token=%', '/a?b=%', ['%']],
  ])('splits %s into the URL %s and the tokens %j', (given, url, accessTokens) => {
    expect(takeAccessTokens(given)).toEqual({ url, accessTokens });
  });

  it('leaves no token that a query parser would find', () => {
    const part = oneof(constantFrom('access_token', 'access%5ftoken', '=', '&', '?', '%', '+', '#'), string());
    assert(
      property(array(part), (parts) => {
        const given = `/a?${parts.join('')}`;
        const { url, accessTokens } = takeAccessTokens(given);
        // Cut at the first question mark: `URLSearchParams` would drop a second one at the start.
        const query = (text: string) => new URLSearchParams(text.replace(/^[^?]*\??/, '&'));
        expect(query(url).has('access_token') && url.includes('?')).toBe(false);
        expect(accessTokens).toEqual(query(given).getAll('access_token'));
      }),
    );
  });
});

describe('a request', () => {
  it('has no token in its URLs once the server has received it', () => {
    const { rewriteUrl } = createAuthentication({ authenticate: async () => ANONYMOUS, isPage: () => false });
    const url = '/graphql?access_token=jk_x&query=%7B__typename%7D';
    // As Fastify passes it to rewriteUrl.
    const request = Object.assign(new IncomingMessage(new Socket()), { url, originalUrl: url });
    expect(rewriteUrl(request)).toBe('/graphql?query=%7B__typename%7D');
    expect(request.originalUrl).toBe('/graphql?query=%7B__typename%7D');
  });
});
