/** Deliveries of webhooks on Redis: see `prelude/webhooks.lua` for where they are. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { DeliveryBackend, DeliveryPlace, TakenDelivery } from '../delivery-backend.ts';
import { type JobRecord, endedRecordSchema } from '../job-record.ts';
import type { RedisClient } from './client.ts';
import { PREFIX, prefixOf } from './names.ts';
import { toPublishedRecord } from './record.ts';
import { SCRIPTS, runScript } from './scripts.ts';

/** By caller. Job types have no colon in their names. */
const ROTATIONS_KEY = `${PREFIX}:webhook-secrets`;
/** Jobs of one step, in which Redis does nothing else. */
const STEP = 500;
/** The pause after a step is so many times as long, so that Redis has time for its clients. */
const PAUSE = 4;
/** Milliseconds before the jobs of a type are looked through again, by whichever process. */
const AGAIN_MS = 10_000;
/** The most receivers of a caller that are counted. */
const MOST_COUNTED = 1000;

const optionalText = z.string().nullish();
const takenSchema = z.array(
  z.tuple([z.string(), z.coerce.number(), z.string(), z.string(), z.string(), z.string(), optionalText]),
);
const keptSchema = z.array(z.tuple([z.coerce.number(), z.string(), optionalText, optionalText]));
const toldSchema = z.tuple([z.string(), z.number()]);

const toEnded = (type: string, id: string, json: string | null | undefined): JobRecord | undefined =>
  json == null
    ? undefined
    : json.startsWith('[')
      ? toPublishedRecord(type, id, json)
      : endedRecordSchema.parse(JSON.parse(json));
const argsOf = ({ jobId, endedAt, caller, receiver }: DeliveryPlace) => [jobId, endedAt, caller, receiver] as const;

export function createRedisDeliveries(client: RedisClient): DeliveryBackend {
  /** In steps, between which Redis serves others. Of all processes, one does it for a type at a time. */
  async function tellEnds(types: readonly string[]): Promise<void> {
    for (const type of types) {
      const prefix = prefixOf(type);
      if ((await client.zcard(`${prefix}webhooks:open`)) === 0) continue;
      if ((await client.set(`${prefix}webhooks:told`, '1', 'PX', AGAIN_MS, 'NX')) === null) continue;
      let cursor = '0';
      do {
        const begin = performance.now();
        [cursor] = toldSchema.parse(await runScript(client, SCRIPTS.tellEnds, prefix, cursor, STEP));
        if (cursor !== '0') await delay(PAUSE * (performance.now() - begin), undefined, { ref: false });
      } while (cursor !== '0');
    }
  }
  let telling: Promise<void> | undefined;
  let toldAt = -Infinity;

  return {
    async take(types, { most, perReceiver, perCaller, busy, leaseMs }) {
      if (performance.now() > toldAt + AGAIN_MS) {
        toldAt = performance.now();
        // It is done again after a failure.
        telling ??= tellEnds(types)
          .catch(() => undefined)
          .finally(() => (telling = undefined));
      }
      const numbers = new Map(busy);
      const all: TakenDelivery[] = [];
      const count = (name: string): void => void numbers.set(name, (numbers.get(name) ?? 0) + 1);
      // One after the other, since each may take what is left.
      for (const type of types) {
        if (all.length >= most) break;
        const args = [most - all.length, perReceiver, perCaller, leaseMs, ...[...numbers].flat()];
        const reply = takenSchema.parse(await runScript(client, SCRIPTS.takeDeliveries, prefixOf(type), ...args));
        for (const [jobId, endedAt, caller, receiver, leasedUntil, state, ended] of reply) {
          count(caller);
          count(`${caller}\n${receiver}`);
          all.push({ type, jobId, endedAt, caller, receiver, leasedUntil, state, ended: toEnded(type, jobId, ended) });
        }
      }
      return all;
    },
    async settle(taken, state, waitMs) {
      const args = [...argsOf(taken), taken.leasedUntil, state, waitMs ?? ''];
      return (await runScript(client, SCRIPTS.settleDelivery, prefixOf(taken.type), ...args)) === 1;
    },
    async read({ type, jobId, caller, receiver }) {
      const reply = await runScript(client, SCRIPTS.readDeliveries, prefixOf(type), jobId, caller, receiver);
      return keptSchema.parse(reply).map(([endedAt, state, ended, due]) => ({
        endedAt,
        state,
        ended: toEnded(type, jobId, ended),
        dueAt: due == null ? null : Math.floor(Number(due)),
      }));
    },
    async add({ type, jobId, caller, receiver }, kept) {
      const args = kept.flatMap(({ endedAt, state, ended, dueAt }) => [
        endedAt,
        state,
        ended === undefined ? '' : JSON.stringify({ ...ended, result: null }),
        dueAt ?? '',
      ]);
      await runScript(client, SCRIPTS.addDeliveries, prefixOf(type), jobId, caller, receiver, ...args);
    },
    async redeliver(place, before, state) {
      const args = [...argsOf(place), before, state];
      return (await runScript(client, SCRIPTS.redeliver, prefixOf(place.type), ...args)) === 1;
    },
    async count(types) {
      const counts = await Promise.all(
        types.map((type) => runScript(client, SCRIPTS.countDeliveries, prefixOf(type), MOST_COUNTED)),
      );
      return counts.reduce((sum: number, each) => sum + Number(each), 0);
    },
    readRotations: async (caller) => (await client.hget(ROTATIONS_KEY, caller)) ?? undefined,
    async storeRotations(caller, json) {
      await client.hset(ROTATIONS_KEY, caller, json);
    },
    readAllRotations: async () => new Map(Object.entries(await client.hgetall(ROTATIONS_KEY))),
  };
}
