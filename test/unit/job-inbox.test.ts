import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createJobInbox } from '../../src/core/service/follow.ts';
import type { JobEvent } from '../../src/core/ports.ts';

const never = new AbortController().signal;
const LONG_MS = 30_000;
const progress = (percentComplete: number): JobEvent => ({
  kind: 'progress',
  percentComplete,
  message: null,
  at: new Date(percentComplete),
});

describe('an inbox', () => {
  it('returns events in order, whether they arrive before or after the call', async () => {
    const inbox = createJobInbox();
    inbox.push(progress(1));
    inbox.push(progress(2));
    expect(await inbox.next(LONG_MS, never)).toEqual(progress(1));
    expect(await inbox.next(LONG_MS, never)).toEqual(progress(2));
    const next = inbox.next(LONG_MS, never);
    inbox.push(progress(3));
    inbox.push(progress(4));
    expect(await next).toEqual(progress(3));
    expect(await inbox.next(LONG_MS, never)).toEqual(progress(4));
  });

  it('returns nothing when the time is over, and keeps later events', async () => {
    const inbox = createJobInbox();
    expect(await inbox.next(1, never)).toBeUndefined();
    inbox.push({ kind: 'finished' });
    expect(await inbox.next(1, never)).toEqual({ kind: 'finished' });
  });

  it('returns nothing when the signal is aborted before or during the wait, and keeps no listener', async () => {
    const inbox = createJobInbox();
    const controller = new AbortController();
    const next = inbox.next(LONG_MS, controller.signal);
    controller.abort();
    expect(await next).toBeUndefined();
    expect(await inbox.next(LONG_MS, controller.signal)).toBeUndefined();
    inbox.push({ kind: 'waiting' });
    expect(await inbox.next(LONG_MS, controller.signal)).toEqual({ kind: 'waiting' });
  });

  it('holds 256 events, and replaces them with one lost event on overflow', async () => {
    const inbox = createJobInbox();
    for (let count = 0; count < 256; count += 1) inbox.push(progress(count));
    expect(await inbox.next(0, never)).toEqual(progress(0));
    inbox.push(progress(256));
    inbox.push(progress(257));
    expect(await inbox.next(0, never)).toEqual({ kind: 'lost' });
    expect(await inbox.next(0, never)).toBeUndefined();
  });

  it('leaves no listener on the signal', async () => {
    const inbox = createJobInbox();
    const { signal } = new AbortController();
    const next = inbox.next(LONG_MS, signal);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    inbox.push({ kind: 'waiting' });
    await next;
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('stays bounded for 10,000 events, and starts with a lost event', async () => {
    const inbox = createJobInbox();
    for (let count = 0; count < 10_000; count += 1) inbox.push(progress(count));
    const kinds: string[] = [];
    for (let event = await inbox.next(0, never); event; event = await inbox.next(0, never)) kinds.push(event.kind);
    expect(kinds.length).toBeLessThanOrEqual(256);
    expect(kinds[0]).toBe('lost');
    inbox.push({ kind: 'finished' });
    expect(await inbox.next(LONG_MS, never)).toEqual({ kind: 'finished' });
  });
});
