import { typeOfJobId } from '../core/job-id.ts';
import { withDeadline } from '../core/deadline.ts';
import { QUEUE_UNAVAILABLE, ServiceError } from '../core/errors.ts';
import type { AnyChange, JobEvent, JobEvents } from '../core/ports.ts';
import type { BackendEvents, QueueBackend, StoreEvent } from './backend.ts';
import { type JobRecord, toJob } from './job-record.ts';
import type { SucceededJobs } from './job-reader.ts';

const LOST = { kind: 'lost' } as const satisfies JobEvent & AnyChange;
/** The longest wait for the store when somebody begins to follow all jobs, in milliseconds. */
const BEGIN_MS = 1500;

type Listener = (event: JobEvent) => void;

export interface BullmqJobEvents extends JobEvents {
  /** Opens the store's events; the store must be connected. To be called again after it failed. */
  open(): Promise<void>;
  /** How many listeners jobs have. */
  size(): number;
  close(): Promise<void>;
}

export interface BullmqEventsOptions {
  readonly backend: QueueBackend;
  /** Names of the job types. */
  readonly types: readonly string[];
  readonly retentionSeconds: number;
  readonly succeeded: SucceededJobs;
}

/** core's events on BullMQ: a process has one subscription for each type, and passes events on to its own listeners. */
export function createBullmqEvents({
  backend,
  types,
  retentionSeconds,
  succeeded,
}: BullmqEventsOptions): BullmqJobEvents {
  const retentionMs = retentionSeconds * 1000;
  const listeners = new Map<string, Set<Listener>>();
  const opened = new Map<string, BackendEvents>();

  const subscribers = new Map<string, number>();

  const toFinished = (record: JobRecord | undefined): JobEvent => {
    const job = record && toJob(record, retentionMs);
    if (job?.status !== 'Succeeded') return { kind: 'finished' };
    succeeded.keep(job, record?.result?.length ?? 0);
    return { kind: 'finished', job };
  };

  const all = new Set<(change: AnyChange) => void>();
  /** How many follow all jobs, or are about to. */
  let followers = 0;

  const ofTypes = new Map<string, Set<(change: AnyChange) => void>>();

  const publish = (type: string, id: string, stored: StoreEvent): void => {
    const isChange = stored.kind !== 'output';
    if (isChange) for (const listener of all) listener({ kind: 'changed', id });
    const ofType = ofTypes.get(type);
    if (isChange && ofType !== undefined) for (const listener of ofType) listener({ kind: 'changed', id });
    const ofJob = listeners.get(id);
    if (ofJob === undefined && !succeeded.isExpected(id)) return;
    const event = stored.kind === 'finished' ? toFinished(stored.toRecord?.()) : stored;
    if (ofJob !== undefined) for (const listener of ofJob) listener(event);
  };

  /** Listeners may have missed changes. */
  const publishLost = (type: string): void => {
    for (const listener of all) listener(LOST);
    for (const listener of ofTypes.get(type) ?? []) listener(LOST);
    for (const [id, ofJob] of listeners) {
      if (typeOfJobId(id) === type) for (const listener of ofJob) listener(LOST);
    }
  };

  /** The events of a type are read while one of its jobs has a listener. */
  const count = (type: string, change: 1 | -1): void => {
    const now = (subscribers.get(type) ?? 0) + change;
    // An id of any caller's making names a type.
    if (now === 0) subscribers.delete(type);
    else subscribers.set(type, now);
    if (now === 0) opened.get(type)?.pause();
    else void opened.get(type)?.resume();
  };

  const countAll = (change: 1 | -1): void => {
    followers += change;
    for (const type of types) count(type, change);
    for (const { additions } of opened.values()) {
      if (followers === 0) additions.pause();
      else void additions.resume();
    }
  };

  return {
    async open() {
      for (const type of types) {
        // A previous call may have opened some before it failed.
        if (opened.has(type)) continue;
        const publishOfType = (id: string, event: StoreEvent): void => publish(type, id, event);
        const events = await backend.createEvents(type, publishOfType, () => publishLost(type));
        opened.set(type, events);
        if ((subscribers.get(type) ?? 0) > 0) void events.resume();
      }
    },
    subscribe(id, listener) {
      succeeded.listened();
      const ofJob = listeners.get(id) ?? new Set();
      listeners.set(id, ofJob.add(listener));
      const type = typeOfJobId(id) ?? '';
      count(type, 1);
      return () => {
        if (!ofJob.delete(listener)) return;
        count(type, -1);
        if (ofJob.size === 0 && listeners.get(id) === ofJob) listeners.delete(id);
      };
    },
    subscribeType(type, listener) {
      const ofType = ofTypes.get(type) ?? new Set();
      ofTypes.set(type, ofType.add(listener));
      count(type, 1);
      return () => {
        if (!ofType.delete(listener)) return;
        count(type, -1);
        if (ofType.size === 0 && ofTypes.get(type) === ofType) ofTypes.delete(type);
      };
    },
    // Whoever follows all jobs is among the subscribers of each type.
    size: () => [...subscribers.values()].reduce((sum, ofType) => sum + ofType, 0) - followers * (types.length - 1),
    async subscribeAll(listener) {
      countAll(1);
      try {
        if (opened.size < types.length) throw new Error('the events are not open yet');
        const feeds = [...opened.values()].flatMap((events) => [events, events.additions]);
        await withDeadline(Promise.all(feeds.map((feed) => feed.resume())), BEGIN_MS);
      } catch (cause) {
        countAll(-1);
        throw new ServiceError('queue-unavailable', QUEUE_UNAVAILABLE, { retryAfter: 1, cause });
      }
      // Not before: the beginning of the subscription is no loss.
      all.add(listener);
      return () => void (all.delete(listener) && countAll(-1));
    },
    async close() {
      await Promise.all([...opened.values()].map((events) => events.close()));
    },
  };
}
