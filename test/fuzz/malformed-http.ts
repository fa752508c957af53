/** Requests that no HTTP client would send. */
import * as fc from 'fast-check';

const METHODS = ['GET', 'POST', 'TRACE', 'CONNECT', 'get', 'G\u0000T', '', 'PRI', 'QUERY', 'M-SEARCH', 'A'.repeat(300)];
const TARGETS = [
  '/',
  '*',
  '/api/jobs',
  '/api/jobs/%zz',
  '/graphql',
  'http://evil.example/api/jobs',
  '//',
  '/\u0000',
  '/é',
  '/ /',
  'evil.example:80',
  `/${'a'.repeat(20_000)}`,
  '/api/jobs/%c3%28',
  '/health/ready',
  '/api/books?a=%',
  '',
];
const VERSIONS = ['HTTP/1.1', 'HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/1.1 ', 'HTTX/1.1', ''];
const HEADERS = [
  'Host: localhost',
  'Host: localhost',
  'Host: localhost',
  'Host:',
  'Host: evil.example\u0000',
  'Host: a, b',
  'Host : localhost',
  'Content-Length: 5',
  'Content-Length: -1',
  'Content-Length: 99999999999999999999',
  'Content-Length: 0',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: identity, chunked',
  'Transfer-Encoding: xchunked',
  'Content-Type: application/json',
  'Connection: close',
  'Connection: upgrade',
  'Upgrade: websocket',
  'Upgrade: h2c',
  'Expect: 100-continue',
  'Expect: nothing',
  'X: a\u0000b',
  'X: a\rb',
  ' folded: yes',
  'no colon',
  ': no name',
  `X: ${'a'.repeat(20_000)}`,
  'TE: chunked',
  'Trailer: X',
];
const BODIES = [
  '',
  '{}',
  '5\r\nhello\r\n0\r\n\r\n',
  'ffffffffffffffff\r\n',
  'zz\r\n',
  '0\r\n\r\n',
  '{"query":"{ __typename }"}',
  'GET / HTTP/1.1\r\n\r\n',
];

const request = fc
  .record({
    method: fc.constantFrom(...METHODS),
    target: fc.constantFrom(...TARGETS),
    version: fc.oneof({ arbitrary: fc.constant('HTTP/1.1'), weight: 3 }, fc.constantFrom(...VERSIONS)),
    headers: fc.array(fc.constantFrom(...HEADERS), { maxLength: 5 }),
    body: fc.constantFrom(...BODIES),
    newLine: fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r'),
  })
  .map(({ method, target, version, headers, body, newLine }) =>
    Buffer.from([`${method} ${target} ${version}`, ...headers, '', body].join(newLine), 'latin1'),
  );

/** Bytes to send before a connection is closed: malformed requests, partial ones, and noise. */
export const malformedHttp: fc.Arbitrary<Buffer> = fc.oneof(
  { arbitrary: request, weight: 8 },
  { arbitrary: fc.tuple(request, fc.nat({ max: 200 })).map(([bytes, length]) => bytes.subarray(0, length)), weight: 1 },
  { arbitrary: fc.array(request, { minLength: 2, maxLength: 3 }).map((all) => Buffer.concat(all)), weight: 2 },
  { arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)), weight: 2 },
);
