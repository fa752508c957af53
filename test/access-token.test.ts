import { array, assert, constantFrom, oneof, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { takeAccessTokens } from '../src/http/access-token.ts';

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
  ])('makes of %s the URL %s and the tokens %j', (given, url, accessTokens) => {
    expect(takeAccessTokens(given)).toEqual({ url, accessTokens });
  });

  it('leaves none that a parser of queries would find', () => {
    const part = oneof(constantFrom('access_token', 'access%5ftoken', '=', '&', '?', '%', '+', '#'), string());
    assert(
      property(array(part), (parts) => {
        const given = `/a?${parts.join('')}`;
        const { url, accessTokens } = takeAccessTokens(given);
        const query = (text: string) => new URLSearchParams(text.slice(text.indexOf('?') + 1));
        expect(query(url).has('access_token') && url.includes('?')).toBe(false);
        expect(accessTokens).toEqual(query(given).getAll('access_token'));
      }),
    );
  });
});
