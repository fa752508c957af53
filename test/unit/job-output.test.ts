import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ServiceError } from '../../src/core/errors.ts';
import { type JobNews, followOutput, withOutput } from '../../src/core/output/follow-output.ts';
import { createOutputWriter } from '../../src/core/output/output-writer.ts';
import { type Output, type OutputPiece, outputSchema, toOutput, toOutputJson } from '../../src/core/output/output.ts';
import type { Job } from '../../src/core/job.ts';
import type { JobEvent, JobEvents, OutputPage } from '../../src/core/ports.ts';

const never = new AbortController().signal;
const createdAt = new Date(0);
const piece = (sequence: number): OutputPiece => ({ sequence, attempt: 1, json: `${sequence}` });
const about = { id: 'x', type: 'x', caller: 'x', createdAt };
const running: Job = {
  ...about,
  status: 'Running',
  percentComplete: 0,
  message: null,
  attempt: 1,
  maxAttempts: 3,
  lastUpdatedAt: createdAt,
  startedAt: createdAt,
  history: [],
};
const ended = { finishedAt: createdAt, expiresAt: createdAt, startedAt: createdAt, result: {}, hasOutput: true };
const succeeded: Job = { ...running, ...ended, status: 'Succeeded' };

/** A job whose output a test stores, in pages of two. */
function scriptedOutput() {
  const listeners = new Set<(event: JobEvent) => void>();
  const stored: OutputPiece[] = [];
  let isDone = false;
  const reads: number[] = [];
  let onRead: (() => Promise<void>) | undefined;
  const events: Pick<JobEvents, 'subscribe'> = {
    subscribe(_id, listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const page = (after: number): OutputPage => {
    const pieces = stored.slice(after, after + 2);
    const hasMore = stored.length > after + 2;
    return { ...about, pieces, hasMore, expiresAt: isDone ? createdAt : undefined };
  };
  return {
    reads,
    listeners,
    events: { ...events, subscribeAll: () => expect.fail(), subscribeType: () => expect.fail() } as JobEvents,
    async read(after: number): Promise<OutputPage> {
      reads.push(after);
      const found = page(after);
      await onRead?.();
      return found;
    },
    /** What happens between a read and its reply. */
    whenRead: (happens: () => Promise<void>) => void (onRead = happens),
    store(count: number): void {
      for (let index = 0; index < count; index += 1) stored.push(piece(stored.length + 1));
    },
    publish(event: JobEvent): void {
      for (const listener of listeners) listener(event);
    },
    finish: () => void (isDone = true),
  };
}

const sequences = (pieces: readonly OutputPiece[]): number[] => pieces.map(({ sequence }) => sequence);
const valueOf = async <T>(next: Promise<IteratorResult<T, void>>): Promise<T> =>
  (await next).value ?? expect.fail('it has ended');

describe('following output', () => {
  it('reads what is there, what an event announces, and nothing that it has', async () => {
    const output = scriptedOutput();
    output.store(3);
    const parts = followOutput({ id: 'x', ...output }, 0, never);
    expect(sequences(await valueOf(parts.next()))).toEqual([1, 2]);
    expect(sequences(await valueOf(parts.next()))).toEqual([3]);
    const next = parts.next();
    // It waits by now.
    await new Promise(setImmediate);
    output.publish({ kind: 'output', sequence: 3 });
    output.publish({ kind: 'started' });
    output.store(1);
    output.publish({ kind: 'output', sequence: 4 });
    expect(sequences(await valueOf(next))).toEqual([4]);
    expect(output.reads).toEqual([0, 2, 3]);
    output.finish();
    output.publish({ kind: 'finished' });
    expect(await parts.next()).toEqual({ done: true, value: undefined });
    expect(output.listeners.size).toBe(0);
  });

  it('misses nothing that is stored while it reads, at the end of the job too', async () => {
    const output = scriptedOutput();
    let isOver = false;
    let isFirst = true;
    output.whenRead(async () => {
      if (!isFirst) return;
      isFirst = false;
      output.store(1);
      isOver = true;
    });
    const parts = followOutput({ id: 'x', ...output }, 0, never, () => isOver);
    const all = Array.fromAsync(parts);
    await new Promise(setImmediate);
    output.publish({ kind: 'finished' });
    expect((await all).flatMap(sequences)).toEqual([1]);
  });

  it('waits for an unavailable store, and ends with the signal or the job', async () => {
    const output = scriptedOutput();
    output.store(1);
    const gone = new AbortController();
    const parts = followOutput({ id: 'x', ...output }, 0, gone.signal);
    await parts.next();
    const next = parts.next();
    let tries = 0;
    output.whenRead(async () => {
      tries += 1;
      if (tries === 1) throw new ServiceError('queue-unavailable', 'away');
    });
    await new Promise(setImmediate);
    output.store(1);
    output.publish({ kind: 'lost' });
    await new Promise(setImmediate);
    output.publish({ kind: 'lost' });
    expect(sequences(await valueOf(next))).toEqual([2]);
    const last = parts.next();
    gone.abort();
    expect((await last).done).toBe(true);
    const removed = followOutput({ id: 'x', events: output.events, read: async () => undefined }, 0, never);
    expect((await removed.next()).done).toBe(true);
  });

  it('comes between the first state and the final one', async () => {
    const output = scriptedOutput();
    const gate = Promise.withResolvers<void>();
    async function* states(): AsyncGenerator<Job, void, void> {
      // Output is there before the first state has been read.
      await new Promise(setImmediate);
      yield running;
      await gate.promise;
      yield succeeded;
    }
    output.store(1);
    const news = withOutput(
      never,
      (onOutput) => {
        onOutput();
        return states();
      },
      (isOver, signal) => followOutput({ id: 'x', ...output }, 0, signal, isOver),
    );
    const kinds: string[] = [];
    const show = (each: JobNews) =>
      kinds.push(each.kind === 'state' ? each.job.status : sequences(each.pieces).join(','));
    for (let count = 0; count < 3; count += 1) show(await valueOf(news.next()));
    output.store(3);
    output.finish();
    gate.resolve();
    output.publish({ kind: 'finished' });
    for await (const each of news) show(each);
    expect(kinds.slice(0, 1)).toEqual(['Running']);
    expect(kinds.slice(1, 3).toSorted()).toEqual(['1', 'Running']);
    expect(kinds.slice(3)).toEqual(['2,3', '4', 'Succeeded']);
  });
});

describe('the form of output', () => {
  it('is the same parsed and as text', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const given = { sequence: 1, attempt: 2, json: JSON.stringify(value) };
        const read: Output = outputSchema.parse(JSON.parse(toOutputJson(given)));
        expect(read).toEqual(toOutput(given));
        expect(toOutputJson(given)).not.toContain('\n');
      }),
    );
    const mark = { sequence: 1, attempt: 2, json: undefined };
    expect(JSON.parse(toOutputJson(mark))).toEqual(toOutput(mark));
  });
});

describe('writing output', () => {
  it('stores all values in order and once, joined or not, however the calls are made', async () => {
    const call = fc.record({ value: fc.oneof(fc.string({ unit: 'binary' }), fc.integer()), isAwaited: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 100 }), async (calls) => {
        const stored: string[] = [];
        const writer = createOutputWriter(async ({ from, pieces }) => {
          expect(from).toBe(stored.length);
          await new Promise(setImmediate);
          stored.push(...pieces);
          return pieces.length;
        });
        for (const { value, isAwaited } of calls) {
          const written = writer.write(value);
          if (isAwaited) await written;
        }
        await writer.end();
        // Texts in a row are one text, whichever of them were joined.
        const joined = (values: readonly unknown[]): unknown[] => {
          const all: unknown[] = [];
          for (const value of values) {
            const last = all.at(-1);
            if (typeof value === 'string' && typeof last === 'string') all[all.length - 1] = last + value;
            else all.push(value);
          }
          return all;
        };
        expect(joined(stored.map((json): unknown => JSON.parse(json)))).toEqual(
          joined(calls.map(({ value }) => value)),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('refuses what waits beyond a bound, and goes on when there is room', async () => {
    const gate = Promise.withResolvers<void>();
    let bytes = 0;
    const writer = createOutputWriter(async ({ pieces }) => {
      await gate.promise;
      for (const json of pieces) bytes += json.length;
      return pieces.length;
    });
    const calls = Array.from({ length: 40 }, () => writer.write(['x'.repeat(60_000)]));
    const results = Promise.allSettled(calls);
    gate.resolve();
    const refused = (await results).filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(40 - 17);
    expect(refused[0]).toMatchObject({
      reason: new RangeError('job.output: too much waits to be stored; await each call'),
    });
    await writer.write('more');
    expect(bytes).toBe(17 * 60_004 + 6);
  });

  it('fails where the store does, and where the worker has lost the job', async () => {
    for (const outcome of [undefined, new Error('broken')]) {
      const writer = createOutputWriter(async () => {
        if (outcome === undefined) return undefined;
        throw outcome;
      });
      const message = outcome?.message ?? 'the worker has lost the job';
      await expect(writer.write(1)).rejects.toThrow(message);
      await expect(writer.end()).rejects.toThrow(message);
      await expect(writer.write(2)).rejects.toThrow(message);
    }
  });

  it('rejects at once when its run is over, though the store does not answer', async () => {
    const writer = createOutputWriter(() => new Promise(() => undefined));
    const writes = [writer.write(1), writer.write(2)];
    void writer.close(new Error('the job was canceled'));
    for (const write of writes) await expect(write).rejects.toThrow('the job was canceled');
  });
});
