import { setTimeout as delay } from 'node:timers/promises';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { settlesWithin, withDeadline } from '../../core/deadline.ts';
import type { LockHolder, LockRenewer } from '../backend.ts';

/** How often the main thread shows that it runs, in milliseconds, and how often that is checked. */
const BEAT_MS = 250;
/** The main thread is blocked when it shows nothing for so many milliseconds. */
const BLOCKED_MS = 1500;
/** How often locks are renewed for it then. */
const RENEW_MS = 1500;
/** The longest wait for one renewal, in milliseconds. */
const RENEWAL_DEADLINE_MS = 3000;
/** The longest wait for the thread at the start, in milliseconds. */
const READY_DEADLINE_MS = 20_000;

/** What the main thread tells the other one. */
type Command =
  | { readonly kind: 'open'; readonly url: string }
  | { readonly kind: 'add'; readonly url: string; readonly holder: LockHolder }
  | { readonly kind: 'remove'; readonly token: string };

/** And what that replies. */
type Reply = { readonly kind: 'ready'; readonly url: string } | { readonly kind: 'failed'; readonly reason: string };

/** The locks of one process's workers on one store. */
export interface BlockedThreadLocks {
  /** Resolves when the thread can renew locks, or takes too long: to be awaited before the first job runs. */
  readonly ready: Promise<unknown>;
  /** To be called for each worker, and when it is closed. */
  add(holder: LockHolder): void;
  remove(token: string): void;
  /** When all locks of this process were last renewed by the thread, in milliseconds of `performance.now()`. */
  renewedAt(): number;
  close(): void;
}

export interface BlockedThreadOptions {
  /** Of the store; undefined for one that this process alone uses, whose locks need no renewal. */
  readonly url: string | undefined;
  /** Called at each beat of the main thread. @param blockedMs for how long it was blocked before; 0 if it was not */
  onBeat(blockedMs: number): void;
  /** Called when the thread could not renew locks. */
  onFailure(reason: string): void;
}

/** What the workers of this process share. */
interface Watch {
  /** A counter of the main thread's beats, and the time of the last renewal by `process.hrtime`. */
  readonly state: BigInt64Array<SharedArrayBuffer>;
  /** Started for the first store that needs it. */
  thread?: Worker;
  readonly users: Set<BlockedThreadOptions & { setReady(): void }>;
}

let shared: Watch | undefined;

/**
 * A job's function that blocks the thread also stops BullMQ's renewal of locks, and other workers would take all jobs of this process.
 * So another thread watches the main one, and renews their locks by a connection of its own for as long as the main one is blocked. It
 * costs nothing for a job, and connects only when needed.
 */
export function renewWhileBlocked(options: BlockedThreadOptions): BlockedThreadLocks {
  const watch = (shared ??= startBeat());
  const { state, users } = watch;
  const { promise, resolve: setReady } = Promise.withResolvers<void>();
  const user = { ...options, setReady };
  users.add(user);
  const { url } = options;
  const thread = url === undefined ? undefined : (watch.thread ??= startThread(watch));
  if (url === undefined) setReady();
  else thread?.postMessage({ kind: 'open', url } satisfies Command, []);
  return {
    ready: settlesWithin(promise, READY_DEADLINE_MS),
    add(holder) {
      if (url !== undefined) thread?.postMessage({ kind: 'add', url, holder } satisfies Command, []);
    },
    remove: (token) => thread?.postMessage({ kind: 'remove', token } satisfies Command, []),
    renewedAt() {
      const renewed = Atomics.load(state, 1);
      return renewed === 0n ? -Infinity : performance.now() - Number(process.hrtime.bigint() - renewed) / 1e6;
    },
    close: () => void users.delete(user),
  };
}

function startBeat(): Watch {
  const state = new BigInt64Array(new SharedArrayBuffer(2 * BigInt64Array.BYTES_PER_ELEMENT));
  const users: Watch['users'] = new Set();
  let beatAt = performance.now();
  const beat = (): void => {
    Atomics.add(state, 0, 1n);
    const blockedMs = performance.now() - beatAt - BEAT_MS;
    beatAt = performance.now();
    for (const { onBeat } of users) onBeat(blockedMs > BLOCKED_MS ? Math.round(blockedMs) : 0);
  };
  setInterval(beat, BEAT_MS).unref();
  return { state, users };
}

function startThread({ state, users }: Watch): Worker {
  const thread = new Worker(new URL(import.meta.url), { workerData: state.buffer });
  thread.unref();
  thread.on('message', (reply: Reply) => {
    for (const { url, setReady, onFailure } of users) {
      if (reply.kind === 'failed') onFailure(reply.reason);
      else if (reply.url === url) setReady();
    }
  });
  // Without the thread, locks are renewed by the main thread alone.
  thread.on('error', (error) => {
    for (const { setReady, onFailure } of users) {
      onFailure(String(error));
      setReady();
    }
  });
  return thread;
}

async function openRenewer(url: string): Promise<LockRenewer> {
  if (/^postgres(ql)?:/.test(url)) return (await import('../postgres/lock-renewer.ts')).createPostgresLockRenewer(url);
  return (await import('../redis/lock-renewer.ts')).createRedisLockRenewer(url);
}

function tell(message: Reply): void {
  parentPort?.postMessage(message, []);
}

function tellFailure(error: unknown): void {
  tell({ kind: 'failed', reason: String(error) });
}

/** What the thread does. */
async function watchMainThread(state: BigInt64Array): Promise<never> {
  const renewers = new Map<string, Promise<LockRenewer>>();
  const holders = new Map<string, { readonly url: string; readonly holder: LockHolder }>();

  parentPort?.on('message', (command: Command) => {
    if (command.kind === 'add') holders.set(command.holder.token, command);
    else if (command.kind === 'remove') holders.delete(command.token);
    else {
      const { url } = command;
      // Loaded before it is needed, because on a busy machine that may take as long as a lock lasts.
      const renewer = renewers.get(url) ?? openRenewer(url);
      renewers.set(url, renewer);
      renewer.then(() => tell({ kind: 'ready', url }), tellFailure);
    }
  });
  const renewAll = (): Promise<unknown> =>
    Promise.all([...holders.values()].map(async ({ url, holder }) => (await renewers.get(url))?.renew(holder)));

  let beats = -1n;
  let beatAt = 0;
  for (;;) {
    const now = Atomics.load(state, 0);
    if (now !== beats) beatAt = performance.now();
    beats = now;
    const isBlocked = performance.now() - beatAt > BLOCKED_MS;
    if (isBlocked) {
      const startedAt = process.hrtime.bigint();
      try {
        await withDeadline(renewAll(), RENEWAL_DEADLINE_MS);
        Atomics.store(state, 1, startedAt);
      } catch (error) {
        // It is tried again for as long as the thread is blocked.
        tellFailure(error);
      }
    }
    await delay(isBlocked ? RENEW_MS : BEAT_MS);
  }
}

// The main thread gave it the shared memory.
if (!isMainThread && workerData instanceof SharedArrayBuffer) await watchMainThread(new BigInt64Array(workerData));
