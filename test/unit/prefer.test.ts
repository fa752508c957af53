import { describe, expect, it } from 'vitest';
import { parsePreferences } from '../../src/rest/requests.ts';

describe('Prefer (RFC 7240)', () => {
  it.each<[string, string | string[] | undefined, number | undefined]>([
    ['no header', undefined, undefined],
    ['an empty header', '', undefined],
    ['wait', 'wait=10', 10],
    ['zero', 'wait=0', 0],
    ['the maximum', 'wait=50', 50],
    ['more than the maximum', 'wait=51', 50],
    ['far more', 'wait=999999999', 50],
    ['a number beyond the safe integers', 'wait=99999999999999999999', 50],
    ['a name in capitals', 'WAIT=5', 5],
    ['white space around the tokens', '  wait = 5  ', 5],
    ['a value in quotes', 'wait="5"', 5],
    ['a parameter after it', 'wait=5; foo="some parameter"', 5],
    ['a parameter before the next preference', 'respond-async;x=1, wait=5', 5],
    ['other preferences before it', 'respond-async, wait=5', 5],
    ['other preferences after it', 'wait=5, respond-async, handling=lenient', 5],
    ['the first of two', 'wait=5, wait=9', 5],
    ['the first of two headers', ['wait=5', 'wait=9'], 5],
    ['the second of two headers', ['return=minimal', 'wait=9'], 9],
    ['a malformed first value, which still counts', 'wait=soon, wait=9', undefined],
    ['a comma in quotes', 'foo="a, wait=1, b", wait=9', 9],
    ['a quote inside quotes', String.raw`foo="a\", wait=1", wait=9`, 9],
    ['a semicolon in quotes', 'foo="a;b"; bar, wait=9', 9],
    ['wait as a value', 'foo=wait, bar="wait=3"', undefined],
    ['wait as a parameter', 'foo; wait=3', undefined],
    ['a name that starts with wait', 'waiting=3', undefined],
    ['a name that ends with wait', 'x-wait=3', undefined],
    ['no value', 'wait', undefined],
    ['an empty value', 'wait=', undefined],
    ['an empty value in quotes', 'wait=""', undefined],
    ['a fraction', 'wait=1.5', undefined],
    ['a negative number', 'wait=-1', undefined],
    ['a sign', 'wait=+1', undefined],
    ['a word', 'wait=soon', undefined],
    ['two words', 'wait=1 2', undefined],
    ['an unterminated quote', 'wait="5', undefined],
    ['an unterminated quote before it', 'foo="a, wait=1', undefined],
    ['a backslash at the end', 'foo="a, wait=1\\', undefined],
    ['empty elements of the list', ', ,wait=5,,', 5],
  ])('%s', (_, header, seconds) => {
    expect(parsePreferences(header).wait).toBe(seconds);
  });

  it.each([
    ['respond-async', true],
    ['wait=5, Respond-Async', true],
    ['respond-async;x=1', true],
    ['foo="respond-async"', false],
    [undefined, false],
  ])('%s', (header, respondAsync) => {
    expect(parsePreferences(header).respondAsync).toBe(respondAsync);
  });
});
