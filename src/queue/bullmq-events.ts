import type { JobEvent, JobEvents } from '../core/ports.ts';
import type { BullmqEvents, QueueBackend } from './backend.ts';

type Listener = (event: JobEvent) => void;

export interface BullmqJobEvents extends JobEvents {
  /** Starts to listen to the store, which is connected. Called again after it failed to. */
  open(): Promise<void>;
  close(): Promise<void>;
}

/** core's events on BullMQ: one connection for each queue of a process, and from there to whoever listens in it. */
export function createBullmqEvents(backend: QueueBackend, types: readonly string[]): BullmqJobEvents {
  const listeners = new Map<string, Set<Listener>>();
  const opened = new Map<string, BullmqEvents>();

  const publish = (id: string, event: JobEvent): void => {
    for (const listener of listeners.get(id) ?? []) listener(event);
  };

  return {
    async open() {
      for (const type of types) {
        // What was opened before another could not be stays open.
        if (!opened.has(type)) opened.set(type, await backend.createEvents(type, publish));
      }
    },
    subscribe(id, listener) {
      const ofJob = listeners.get(id) ?? new Set();
      listeners.set(id, ofJob.add(listener));
      return () => {
        ofJob.delete(listener);
        if (ofJob.size === 0 && listeners.get(id) === ofJob) listeners.delete(id);
      };
    },
    async close() {
      await Promise.all([...opened.values()].map((events) => events.close()));
    },
  };
}
