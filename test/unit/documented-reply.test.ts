import { describe, expect, it } from 'vitest';
import { libraryDocument } from '../support/library-document.ts';
import { documentedReplies } from '../support/openapi.ts';

const { expectReply } = documentedReplies(libraryDocument);

describe('a reply', () => {
  const reply = (status: number, body: object | null, headers: Record<string, string> = {}): Response =>
    Response.json(body, { status, headers: { 'Cache-Control': 'no-store', ...headers } });
  const problem = (status: number, extra: object = {}, headers: Record<string, string> = {}): Response =>
    reply(
      status,
      { type: '/problems/not-found', title: 'x', status, ...extra },
      { 'Content-Type': 'application/problem+json', ...headers },
    );

  it.each([
    ['a problem', 'GET', '/api/jobs/1', problem(404)],
    ['HEAD instead of GET', 'HEAD', '/health/live?x', reply(200, null)],
    ['an optional header', 'GET', '/api/jobs/1/result', problem(404, {}, { 'Retry-After': '1' })],
    ['an unknown method', 'PUT', '/api/jobs', problem(405, {}, { Allow: 'GET, HEAD' })],
  ])('matches the document: %s', async (_, method, path, response) => {
    await expect(expectReply(method, path, response)).resolves.toBeUndefined();
  });

  it.each([
    ['a status', 'POST', '/api/books', problem(418), '418 is not documented for submitBook'],
    ['a media type', 'GET', '/api/jobs/1', reply(404, {}), 'the document has no application/json'],
    [
      'a missing header',
      'GET',
      '/health/ready',
      reply(503, { status: 'unavailable', missing: [] }),
      '503 has no Retry-After',
    ],
    ['a wrong header', 'GET', '/api/jobs/1/result', problem(404, {}, { 'Retry-After': '0' }), 'Retry-After: 0'],
    ['an extra header', 'GET', '/api/books/1', problem(404, {}, { Location: '/' }), 'an undocumented Location'],
    ['a missing field', 'GET', '/api/books/1', reply(200, { id: '1' }), '200: {"id":"1"}'],
    ['an extra field', 'GET', '/api/jobs/1', problem(404, { stack: 'at' }), '"stack":"at"'],
    ['a missing Allow', 'PUT', '/api/jobs', problem(405), '405 has no Allow'],
    ['any reply on an unknown path', 'GET', '/api/nothing', reply(200, {}), 'the document has nothing there'],
  ])('does not match the document: %s', async (_, method, path, response, reason) => {
    await expect(expectReply(method, path, response)).rejects.toThrow(reason);
  });
});
