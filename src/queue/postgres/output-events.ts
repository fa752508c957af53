import { setTimeout as delay } from 'node:timers/promises';
import type { PgPool, PgPoolClient } from 'bullmq';
import type { EventListener } from '../backend.ts';

/** What `schema/job-output.sql` notifies. */
const CHANNEL = 'accepted_output';
/** Milliseconds between two tries to listen. */
const RETRY_MS = 500;

interface Listening {
  readonly listener: EventListener;
  /** Called when notifications may have been missed. */
  onBegin(): void;
}

/** Receives how far the output of jobs goes. BullMQ's table of events would be written for each piece. */
export interface OutputEvents {
  /** @returns stops it */
  open(type: string, listening: Listening): Promise<() => void>;
}

/** @param pool whose clients listen */
export function createOutputEvents(pool: PgPool, onError: (error: Error) => void): OutputEvents {
  const ofTypes = new Map<string, Listening>();
  let opened: Promise<PgPoolClient> | undefined;

  async function listen(): Promise<PgPoolClient> {
    const client = await pool.connect();
    client.on('notification', ({ channel, payload = '' }) => {
      if (channel !== CHANNEL) return;
      const [type = '', id = '', sequence] = payload.split('\n');
      ofTypes.get(type)?.listener(id, { kind: 'output', sequence: Number(sequence) });
    });
    client.on('error', (error) => {
      onError(error);
      client.release(true);
      opened = undefined;
      void listenAgain();
    });
    try {
      await client.query(`LISTEN ${CHANNEL}`);
    } catch (error) {
      client.release(true);
      throw error;
    }
    return client;
  }

  async function listenAgain(): Promise<void> {
    while (ofTypes.size > 0 && opened === undefined) {
      await delay(RETRY_MS, undefined, { ref: false });
      try {
        await open();
        for (const { onBegin } of ofTypes.values()) onBegin();
      } catch (error) {
        onError(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }

  async function open(): Promise<PgPoolClient> {
    opened ??= listen();
    try {
      return await opened;
    } catch (error) {
      opened = undefined;
      throw error;
    }
  }

  return {
    async open(type, listening) {
      ofTypes.set(type, listening);
      try {
        await open();
      } catch (error) {
        ofTypes.delete(type);
        throw error;
      }
      return () => {
        ofTypes.delete(type);
        if (ofTypes.size > 0) return;
        opened?.then((client) => client.release()).catch(() => undefined);
        opened = undefined;
      };
    },
  };
}
