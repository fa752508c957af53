import Fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import type { DoneJob, Job } from '../../src/core/job.ts';
import { LazyJobView, jobViewSchema } from '../../src/core/job-view.ts';
import { createUrls } from '../../src/core/urls.ts';
import { sendTagged, tagOf } from '../../src/rest/replies.ts';
import { serializeJob, serializeJobList } from '../../src/rest/schemas.ts';

const at = (ms: number): Date => new Date(1_780_000_000_000 + ms);
const error = { code: 'INVALID', message: 'Not "so" \\ \u2028 \u0007 é 😀' };
const base = {
  id: 'x_1',
  type: 'x',
  caller: 'ada',
  percentComplete: 7,
  message: 'half\nway',
  attempt: 1,
  maxAttempts: 3,
  createdAt: at(0),
  lastUpdatedAt: at(1),
  startedAt: at(1),
  history: [{ attempt: 1, startedAt: at(1), finishedAt: at(2), error }],
};
const finished = { finishedAt: at(3), expiresAt: at(4) };
const succeeded: DoneJob = { ...base, ...finished, status: 'Succeeded', message: null, result: { id: '1' } };
const running: Job = { ...base, status: 'Running' };
const canceling: Job = { ...running, cancelRequested: true };
const jobs: readonly Job[] = [
  { ...base, status: 'Pending', startedAt: null, history: [] },
  running,
  canceling,
  succeeded,
  { ...base, ...finished, status: 'Failed', error },
  { ...base, ...finished, status: 'Canceled', startedAt: null, error },
];
const viewOf = (job: Job) =>
  new LazyJobView({
    job,
    type: undefined,
    urls: createUrls('http://localhost'),
    retryAfterOf: () => 2,
    queuePositionOf: () => 7,
    showsCaller: job.status === 'Failed',
  });
const asJson = (job: Job): string => JSON.stringify(jobViewSchema.parse(viewOf(job)));

describe('a reply serialized from its schema', () => {
  it.each(jobs)('equals the output of JSON.stringify byte for byte: $status', (job) => {
    expect(serializeJob(viewOf(job))).toBe(asJson(job));
  });

  it('equals it in a list too', () => {
    const items = jobs.map(viewOf);
    expect(serializeJobList({ items, nextCursor: 'next' })).toBe(
      `{"items":[${jobs.map(asJson).join(',')}],"nextCursor":"next"}`,
    );
  });
});

describe('a reply that the client has cached', () => {
  it('is 304, and is not serialized', async () => {
    let made = 0;
    const app = Fastify();
    app.get('/', async (request, reply) =>
      sendTagged(request, reply, succeeded, () => {
        made += 1;
        return '{}';
      }),
    );
    const known = await app.inject({ url: '/', headers: { 'If-None-Match': tagOf(succeeded) } });
    expect([known.statusCode, known.body, made]).toEqual([304, '', 0]);
    const other = await app.inject({ url: '/', headers: { 'If-None-Match': '"other"' } });
    expect([other.statusCode, other.body, made]).toEqual([200, '{}', 1]);
    await app.close();
  });

  it('has another tag once the job was told to stop', () => {
    expect(tagOf(canceling)).not.toBe(tagOf(running));
  });

  const tag = tagOf(succeeded);
  it.each([
    ['the same tag', tag, 304],
    ['the same tag among others', `W/"other", ${tag}`, 304],
    ['the same version as a strong tag', tag.replace('W/', ''), 304],
    ['any tag', '*', 304],
    ['the weak tag of another version', 'W/"other"', 200],
    ['the weak tag of another state', tagOf({ ...succeeded, lastUpdatedAt: at(2) }), 200],
    ['an empty weak tag', 'W/""', 200],
    ['the version without quotes', tag.slice(3, -1), 200],
  ])('is recognized by weak comparison: %s', async (_, header, status) => {
    const app = Fastify();
    app.get('/', async (request, reply) => sendTagged(request, reply, succeeded, () => '{}'));
    const reply = await app.inject({ url: '/', headers: { 'If-None-Match': header } });
    expect([reply.statusCode, reply.headers.etag]).toEqual([status, tag]);
    await app.close();
  });
});
