import { describe, expect, it } from 'vitest';
import { fingerprintOf, isSameSubmission } from '../../src/core/service/submit.ts';

const hashOf = (value: unknown): string => fingerprintOf(value, value);
const parsed = (json: string): unknown => JSON.parse(json);

describe('the hash of an input', () => {
  it.each<[string, unknown, unknown]>([
    ['the order of fields', { a: 1, b: 2 }, { b: 2, a: 1 }],
    ['the order of nested fields', { a: [{ x: 1, y: { p: 1, q: 2 } }] }, { a: [{ y: { q: 2, p: 1 }, x: 1 }] }],
    ['white space', parsed('{"a":1,"b":[1,2]}'), parsed(' { "b" : [ 1 , 2 ] , "a" : 1 } ')],
    ['the spelling of a number', parsed('{"a":1}'), parsed('{"a":1.0}')],
    ['the escapes in a string', parsed('{"a":"\\u0041"}'), parsed('{"a":"A"}')],
    ['an undefined field', { a: 1, b: undefined }, { a: 1 }],
    ['whether an object has a prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    ['the order of numeric names', { 2: 'b', 1: 'a' }, { 1: 'a', 2: 'b' }],
  ])('does not depend on %s', (_, one, other) => {
    expect(hashOf(one)).toBe(hashOf(other));
  });

  it.each<[string, unknown, unknown]>([
    ['the value', { a: 1 }, { a: 2 }],
    ['the type', { a: 1 }, { a: '1' }],
    ['the name', { a: 1 }, { b: 1 }],
    ['an extra field', { a: 1 }, { a: 1, b: null }],
    ['null or absent', { a: null }, {}],
    ['the order of a list', { a: [1, 2] }, { a: [2, 1] }],
    ['the place of a field', { a: { b: 1 } }, { a: {}, b: 1 }],
    ['the case', { a: 'A' }, { a: 'a' }],
    ['white space inside a string', { a: 'a b' }, { a: 'a  b' }],
    ['a name that every object inherits', parsed('{"__proto__":1}'), parsed('{"__proto__":2}')],
  ])('depends on %s', (_, one, other) => {
    expect(hashOf(one)).not.toBe(hashOf(other));
  });

  it('is safe in a URL for any value', () => {
    for (const value of [null, 0, '', [], {}, 10n, new Date(0)])
      expect(hashOf(value)).toMatch(/^[\w-]{43}\.[\w-]{43}$/);
  });
});

describe('a fingerprint', () => {
  const made = fingerprintOf({ a: 1 }, { a: 1, at: 'now' });

  it.each<[string, string | undefined, boolean]>([
    ['is the same for an equal input', fingerprintOf({ a: 1 }, { a: 1, at: 'now' }), true],
    ['is the same if the schema added another value', fingerprintOf({ a: 1 }, { a: 1, at: 'later' }), true],
    ['is the same if an API filled in a default', fingerprintOf({ a: 1, at: 'now' }, { a: 1, at: 'now' }), true],
    ['differs for another input', fingerprintOf({ a: 2 }, { a: 2, at: 'now' }), false],
    ['differs if it is missing', undefined, false],
  ])('%s', (_, fingerprint, same) => {
    expect(isSameSubmission(fingerprint, made)).toBe(same);
  });
});
