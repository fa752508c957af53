import { describe, expect, it } from 'vitest';
import { ServiceError } from '../../src/core/errors.ts';
import { readIdempotencyKey } from '../../src/core/input/idempotency-key.ts';

const KEY = '8e03978e-40d5-43dd-bc93-6894a57f9324';

describe('an idempotency key', () => {
  it.each<[string, string | undefined, string | undefined, string | undefined]>([
    ['none', undefined, undefined, undefined],
    ['in the header, in quotes', undefined, `"${KEY}"`, KEY],
    ['in the header, with white space around it', undefined, ` "${KEY}" `, KEY],
    ['in the header, with an escaped quote', undefined, String.raw`"a\"b"`, 'a"b'],
    ['in the header, with an escaped backslash', undefined, String.raw`"a\\b"`, 'a\\b'],
    ['in the header, with an escaped backslash before a quote', undefined, String.raw`"\\\""`, String.raw`\"`],
    ['in the header, of spaces only', undefined, '"  "', '  '],
    ['in the header, of the maximum length', undefined, `"${'k'.repeat(255)}"`, 'k'.repeat(255)],
    ['as an argument', KEY, undefined, KEY],
    ['as an argument, with quotes that are part of it', `"${KEY}"`, undefined, `"${KEY}"`],
    ['in both: the argument', 'argument', '"header"', 'argument'],
    ['in both: a malformed header is ignored', 'argument', 'header', 'argument'],
  ])('%s', (_, argument, header, key) => {
    expect(readIdempotencyKey(argument, header)).toBe(key);
  });

  it.each<[string, string | undefined, string | undefined]>([
    ['an empty header', undefined, ''],
    ['a header without quotes', undefined, KEY],
    ['a header with one quote', undefined, `"${KEY}`],
    ['a header with single quotes', undefined, `'${KEY}'`],
    ['a header with two strings', undefined, '"a", "b"'],
    ['a header with a parameter', undefined, '"a";b=1'],
    ['a header with an invalid escape', undefined, String.raw`"a\n"`],
    ['a header with a backslash at its end', undefined, '"a\\"'],
    ['a header with a quote inside', undefined, '"a"b"'],
    ['a header with a letter that is not ASCII', undefined, '"ü"'],
    ['a header with a tab inside', undefined, '"a\tb"'],
    ['an empty string', undefined, '""'],
    ['a string that is too long', undefined, `"${'k'.repeat(256)}"`],
    ['an empty argument', '', undefined],
    ['an argument that is too long', 'k'.repeat(256), undefined],
    ['an argument with a new line', 'a\nb', undefined],
    ['an argument that is not ASCII', 'ü', undefined],
  ])('refuses %s', (_, argument, header) => {
    expect(() => readIdempotencyKey(argument, header)).toThrow(ServiceError);
    try {
      readIdempotencyKey(argument, header);
    } catch (error) {
      expect(error).toMatchObject({ problem: 'invalid-input', issues: [{ path: ['idempotencyKey'] }] });
    }
  });
});
