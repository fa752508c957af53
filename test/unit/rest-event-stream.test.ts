import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import type { JobNews } from '../../src/core/output/follow-output.ts';
import { versionOf } from '../../src/rest/replies.ts';
import { createNewsForm, toEvent, toEventStream } from '../../src/rest/routes/events.ts';
import { createGate } from '../support/gate.ts';

const pending: Job = {
  id: 'script_AAAAAAAAAAAAAAAAAAAAAA',
  type: 'script',
  caller: 'anonymous',
  status: 'Pending',
  percentComplete: 0,
  message: 'two\nlines',
  attempt: 0,
  maxAttempts: 3,
  createdAt: new Date(0),
  lastUpdatedAt: new Date(0),
  startedAt: null,
  history: [],
};

const toEvents = (job: Job): string => toEvent(versionOf(job), JSON.stringify({ status: job.status }));

async function next(stream: AsyncGenerator<string, void, void>): Promise<string | undefined> {
  const { value } = await stream.next();
  return value ?? undefined;
}

describe('an event stream', () => {
  it('is kept alive by comments between states, without delaying a state', async () => {
    const gate = createGate();
    async function* states(): AsyncGenerator<Job, void, void> {
      yield pending;
      await gate.opened;
      yield { ...pending, percentComplete: 10 };
    }
    const stream = toEventStream(states(), toEvents, { keepAliveMs: 1 });
    expect(await next(stream)).toBe('retry: 1000\n\nid: Pending-0-0-0\ndata: {"status":"Pending"}\n\n');
    expect([await next(stream), await next(stream), await next(stream)]).toEqual([':\n\n', ':\n\n', ':\n\n']);
    gate.open();
    let part = await next(stream);
    while (part === ':\n\n') part = await next(stream);
    expect(part).toBe('id: Pending-0-10-0\ndata: {"status":"Pending"}\n\n');
    expect(await next(stream)).toBeUndefined();
  });

  it('has each state on one line, and omits the one that the client has already received', async () => {
    async function* news(): AsyncGenerator<JobNews, void, void> {
      yield { kind: 'state', job: pending };
      yield { kind: 'state', job: { ...pending, percentComplete: 10 } };
    }
    const form = createNewsForm('Pending-0-0-0', 0, ({ message }) => JSON.stringify({ message }));
    expect(await Array.fromAsync(toEventStream(news(), form))).toEqual([
      'retry: 1000\n\n',
      'id: Pending-0-10-0\ndata: {"message":"two\\nlines"}\n\n',
    ]);
  });

  it('names the version and the last piece of output in each id, from the first piece on', async () => {
    async function* news(): AsyncGenerator<JobNews, void, void> {
      yield { kind: 'state', job: pending };
      yield { kind: 'output', pieces: [{ sequence: 1, attempt: 1, json: '"a\\nb"' }] };
      yield { kind: 'output', pieces: [{ sequence: 2, attempt: 2, json: undefined }] };
      yield { kind: 'state', job: { ...pending, percentComplete: 10 } };
    }
    const events = (
      await Array.fromAsync(
        toEventStream(
          news(),
          createNewsForm('', 0, () => '{}'),
        ),
      )
    ).join('');
    expect(events).toBe(
      [
        'retry: 1000',
        'id: Pending-0-0-0\ndata: {}',
        'id: Pending-0-0-0~1\nevent: output\ndata: {"sequence":1,"attempt":1,"kind":"value","value":"a\\nb"}',
        'id: Pending-0-0-0~2\nevent: output\ndata: {"sequence":2,"attempt":2,"kind":"attempt"}',
        'id: Pending-0-10-0~2\ndata: {}',
        '',
      ].join('\n\n'),
    );
  });

  it('ends its source when its reader disconnects', async () => {
    let ended = false;
    async function* states(): AsyncGenerator<Job, void, void> {
      try {
        for (;;) yield pending;
      } finally {
        ended = true;
      }
    }
    const stream = toEventStream(states(), toEvents);
    await next(stream);
    await next(stream);
    await stream.return();
    expect(ended).toBe(true);
  });
});
