import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HISTORY_MINUTES, type JobTypeState } from '../../src/core/job-type-stats.ts';
import { principal } from '../support/callers.ts';
import { poll } from '../support/follow.ts';
import { scripted, setUpQueue, signal } from '../support/queue.ts';
import { BACKENDS } from '../support/stores.ts';

const NOTHING = { pending: 0, running: 0, succeeded: 0, failed: 0, canceled: 0, exact: true };

describe.each(BACKENDS)('the state of a job type on %s', (backend) => {
  const idle = scripted('idle');
  const busy = scripted('busy', { attempts: 1 });
  const timed = scripted('timed');
  const paused = scripted('paused', { attempts: 2, concurrency: 1 });
  const removed = scripted('removed');
  const test = setUpQueue(backend, [idle, busy, timed, paused, removed]);

  it('is empty without jobs', async () => {
    expect(await test.queue.readTypeState('idle')).toEqual({
      paused: false,
      counts: NOTHING,
      lastMinute: { succeeded: 0, failed: 0 },
      lastHour: { succeeded: 0, failed: 0 },
      lastDay: { succeeded: 0, failed: 0 },
      oldestWaitingSeconds: null,
      duration: null,
      waiting: null,
      history: { succeeded: Array(HISTORY_MINUTES).fill(0), failed: Array(HISTORY_MINUTES).fill(0) },
    } satisfies JobTypeState);
  });

  it('counts jobs by status, apart from each other, and what ended', async () => {
    const started = signal();
    busy.runs(async ({ text }, { signal: stop }) => {
      if (text === 'fails') throw new Error('as it should');
      if (text === 'runs') {
        started.reach();
        await once(stop, 'abort');
      }
      return { text };
    });
    const workers = test.startWorkers();
    const done = [await test.add(busy), await test.add(busy), await test.add(busy, 'fails')];
    const [succeeded] = await Promise.all(done.map(test.finish));
    const running = await test.add(busy, 'runs');
    await started.reached;
    expect((await test.queue.readTypeState('busy')).counts).toEqual({
      ...NOTHING,
      running: 1,
      succeeded: 2,
      failed: 1,
    });
    await test.queue.cancel(running);
    await test.finish(running);
    await workers.close(5000);
    const canceled = await test.add(busy);
    await test.queue.cancel(canceled);
    await test.add(busy);

    const { counts, lastMinute, lastHour, lastDay, history, duration, waiting } = await poll(
      () => test.queue.readTypeState('busy'),
      (state) => state.counts.canceled === 2,
    );
    expect(counts).toEqual({ ...NOTHING, pending: 1, succeeded: 2, failed: 1, canceled: 2 });
    // The oldest seconds of the minute before may be over already.
    expect(lastMinute).toEqual({ succeeded: 2, failed: 1 });
    expect(lastHour).toEqual({ succeeded: 2, failed: 1 });
    expect(lastDay).toEqual({ succeeded: 2, failed: 1 });
    const sums = [history.succeeded, history.failed].map((each) => each.slice(-2).reduce((a, b) => a + b));
    expect(sums).toEqual([2, 1]);
    expect(history.succeeded).toHaveLength(HISTORY_MINUTES);
    for (const percentiles of [duration, waiting]) {
      expect(percentiles?.p50).toBeGreaterThanOrEqual(0);
      expect(percentiles?.p95).toBeLessThan(60);
    }

    expect(await test.queue.retry(canceled, 1)).toMatchObject({ status: 'Pending' });
    expect((await test.queue.readTypeState('busy')).counts).toMatchObject({ pending: 2, canceled: 1 });
    expect(succeeded).toMatchObject({ status: 'Succeeded' });
    await test.backend.removeFinished('busy', Date.now());
    const left = await test.queue.readTypeState('busy');
    expect(left.counts).toEqual({ ...NOTHING, pending: 2 });
    expect(left.lastDay).toEqual({ succeeded: 2, failed: 1 });
  });

  it('tells how long jobs wait and run', async () => {
    const add = (ageMs: number) => test.add(timed, 'x', { createdAt: new Date(Date.now() - ageMs) });
    await add(60_000);
    const oldest = await add(3_600_000);
    const { oldestWaitingSeconds } = await test.queue.readTypeState('timed');
    // The first in line is the one that was added first.
    expect(oldestWaitingSeconds).toBeGreaterThanOrEqual(60);
    expect(oldestWaitingSeconds).toBeLessThan(120);
    test.work();
    await test.finish(oldest);
    const { waiting, duration } = await test.queue.readTypeState('timed');
    expect(waiting?.p50).toBeGreaterThanOrEqual(60);
    expect(waiting?.p95).toBeGreaterThanOrEqual(3600);
    expect(duration?.p95).toBeLessThan(60);
  });

  it('a paused type accepts jobs, runs none in any process, and goes on when it is resumed', async () => {
    const ran: string[] = [];
    const [started, release] = [signal(), signal()];
    paused.runs(async ({ text }) => {
      ran.push(text);
      if (text !== 'running') return { text };
      started.reach();
      await release.reached;
      return { text };
    });
    const workers = test.startWorkers();
    const running = await test.add(paused, 'running');
    await started.reached;
    await test.queue.pauseType('paused');
    await test.queue.pauseType('paused');
    const waiting = await test.add(paused, 'waits');
    const canceled = await test.add(paused, 'canceled');
    release.reach();
    expect(await test.finish(running)).toMatchObject({ status: 'Succeeded' });
    expect(await test.queue.readTypeState('paused')).toMatchObject({
      paused: true,
      counts: { pending: 2, running: 0 },
    });
    expect(await test.queue.readPace('paused')).toMatchObject({ paused: true });
    expect(await test.queue.cancel(canceled)).toMatchObject({ status: 'Canceled' });
    expect(await test.queue.retry(canceled, 1)).toMatchObject({ status: 'Pending' });
    await workers.close(5000);

    // As after a restart: what another process starts finds the type paused.
    const other = await test.otherSide();
    const others = other.startWorkers();
    onTestFinished(() => others.close(5000));
    const probe = await test.add(timed);
    await test.finish(probe);
    expect(ran).toEqual(['running']);
    expect(await test.read(waiting)).toMatchObject({ status: 'Pending' });

    await other.queue.resumeType('paused');
    await other.queue.resumeType('paused');
    await Promise.all([waiting, canceled].map(test.finish));
    expect(ran).toEqual(['running', 'waits', 'canceled']);
    expect(await test.queue.readTypeState('paused')).toMatchObject({ paused: false });
  });

  it('includes types whose files are gone for as long as they have jobs', async () => {
    const job = await test.add(removed);
    const without = await test.otherSide(undefined, [idle.type]);
    const list = async () =>
      (await without.service.listTypes(principal('root', ['admin']))).map(({ name, description }) => [
        name,
        description,
      ]);
    expect(await list()).toEqual(
      expect.arrayContaining([
        ['idle', idle.type.description],
        ['removed', null],
      ]),
    );
    await test.queue.cancel(job);
    await test.backend.removeFinished('removed', Date.now());
    expect(await list()).not.toContainEqual(['removed', null]);
  });
});
