/** Ids that prove to their caller alone that they were issued: see decision 21. */
import { type Cipheriv, createCipheriv, createHmac, hkdfSync, randomFillSync, timingSafeEqual } from 'node:crypto';
import { ID_BYTES, bytesOfJobId, toJobId, typeOfJobId } from '../job-id.ts';
import type { JobQueue } from '../ports.ts';
import type { Caller } from './caller.ts';

/** Separates these checks from later forms, and their key from other keys derived from the queue's secret. */
const VERSION = 'accepted job id 1';
/** Where the check is that ends each id. Another id passes for an issued one with a probability of 2^-32. */
const CHECK_AT = ID_BYTES - 4;
/** How each id begins that is not derived from a key: with the minute in which it was issued. */
const MINUTE_BYTES = 3;
const MINUTE_MS = 60_000;
/** Minutes are counted from 1970 modulo this number, which they reach in 31 years. Those up to half of it ago are past, the others to come. */
const MINUTES = 2 ** (8 * MINUTE_BYTES);
/** What stands in the place of the check while it is computed, so that an id of one origin fails the check of the other. */
const ORIGINS = { time: 1, key: 2 } as const;
type Origin = keyof typeof ORIGINS;
/** A caller that submits often has so many ids made at a time: encrypting one takes half as long as encrypting all of them. */
const MADE_AT_ONCE = 64;
/** So many callers are remembered, with all types that they submit. */
const MAX_CALLERS = 1000;

/** Makes and recognizes the ids of jobs, alike in all processes on one queue. */
export interface JobIds {
  /** A new id, with the time of the store, 72 random bits, and a check of 32 bits, which needs the store's secret. */
  issue(type: string, caller: string): Promise<string>;
  /**
   * The id that belongs to an idempotency key. The queue accepts each id once, so submissions with the same key become one job without a
   * separate store of keys. 128 bits that cannot be computed from the key without the queue's secret.
   */
  ofKey(type: string, caller: string, idempotencyKey: string): Promise<string>;
  /**
   * The ids of a batch's jobs, by the indexes of their items: 96 bits of each that cannot be computed without the queue's secret. All processes
   * derive the same ones, so that the store keeps no list of them.
   * @param items how many, at most 1,020, which HKDF's output holds (RFC 5869, section 2.3); the first ids are the same whatever their number
   */
  ofBatch(
    batch: { readonly id: string; readonly type: string; readonly caller: string },
    items: number,
  ): Promise<string[]>;
  /**
   * Whether an id of which the queue has no job belongs to a job of this caller that has expired. An id from a key tells whether it was issued,
   * any other one also when: a job that is younger than the retention has not expired.
   */
  hasExpired(id: string, caller: Caller): Promise<boolean>;
}

/** Makes the ids of one caller's jobs of one type. */
interface Maker {
  readonly cipher: Cipheriv;
  /** Of the ids in stock. */
  minute: number;
  /** Ids, one after the other, of which each is given away once. */
  stock: Buffer;
  /** Bytes of the stock that were given away. */
  used: number;
}

export function createJobIds(queue: Pick<JobQueue, 'readSecret' | 'now'>, retentionSeconds: number): JobIds {
  const retentionMs = retentionSeconds * 1000;
  /** By caller and type, because a text of both would have to be made for each submission. */
  const makers = new Map<string, Map<string, Maker>>();
  let known: { readonly secret: string; readonly key: Buffer } | undefined;

  function keyOf(secret: string): Buffer {
    if (known?.secret !== secret) {
      makers.clear();
      known = { secret, key: Buffer.from(hkdfSync('sha256', secret, '', VERSION, 32)) };
    }
    return known.key;
  }

  function makerOf(key: Buffer, type: string, caller: string): Maker {
    const earlier = makers.get(caller)?.get(type);
    if (earlier !== undefined) return earlier;
    const [oldest] = makers.keys();
    if (makers.size === MAX_CALLERS && oldest !== undefined && !makers.has(caller)) makers.delete(oldest);
    const maker: Maker = { cipher: cipherOf(key, type, caller), minute: Number.NaN, stock: Buffer.alloc(0), used: 0 };
    makers.set(caller, (makers.get(caller) ?? new Map<string, Maker>()).set(type, maker));
    return maker;
  }

  return {
    async issue(type, caller) {
      const maker = makerOf(keyOf(await queue.readSecret()), type, caller);
      const minute = minuteOf(queue.now(type));
      if (maker.minute !== minute || maker.used === maker.stock.length) refill(maker, minute);
      maker.used += ID_BYTES;
      return toJobId(type, maker.stock, maker.used - ID_BYTES);
    },
    async ofKey(type, caller, idempotencyKey) {
      const secret = await queue.readSecret();
      const mac = createHmac('sha256', secret)
        .update(JSON.stringify([type, caller, idempotencyKey]))
        .digest();
      const bytes = mac.subarray(0, ID_BYTES);
      addChecks(makerOf(keyOf(secret), type, caller).cipher, bytes, 'key');
      return toJobId(type, bytes);
    },
    async ofBatch({ id, type, caller }, items) {
      const secret = await queue.readSecret();
      const bytes = Buffer.from(hkdfSync('sha512', secret, '', `accepted job ids 1:${id}`, items * ID_BYTES));
      addChecks(makerOf(keyOf(secret), type, caller).cipher, bytes, 'key');
      return Array.from({ length: items }, (_, index) => toJobId(type, bytes, index * ID_BYTES));
    },
    async hasExpired(id, caller) {
      const type = typeOfJobId(id);
      const bytes = bytesOfJobId(id);
      if (type === undefined || bytes === undefined) return false;
      const now = queue.now(type);
      // Its access token was issued with the job, and says when.
      if (caller.kind === 'job-key') return caller.jobId === id && caller.createdAt + retentionMs <= now;
      const cipher = cipherOf(keyOf(await queue.readSecret()), type, caller.id);
      const isIssued = (origin: Origin): boolean => {
        const expected = Buffer.from(bytes);
        addChecks(cipher, expected, origin);
        return timingSafeEqual(bytes, expected);
      };
      if (isIssued('key')) return true;
      return isIssued('time') && issuedAt(bytes.readUIntBE(0, MINUTE_BYTES), now) + retentionMs <= now;
    },
  };
}

/**
 * AES on single blocks is a keyed function from 16 bytes to 16 bytes, which is all that a check needs. No two types and callers have the same
 * key, because no name of a type has a line feed.
 */
function cipherOf(key: Buffer, type: string, caller: string): Cipheriv {
  return createCipheriv('aes-256-ecb', createHmac('sha256', key).update(`${type}\n${caller}`).digest(), null);
}

/** Twice as many ids as the last time, as long as the minute lasts. */
function refill(maker: Maker, minute: number): void {
  const bytes = Math.max(ID_BYTES, maker.minute === minute ? 2 * maker.stock.length : 0);
  maker.stock = randomFillSync(Buffer.allocUnsafe(Math.min(bytes, MADE_AT_ONCE * ID_BYTES)));
  maker.minute = minute;
  maker.used = 0;
  for (let at = 0; at < maker.stock.length; at += ID_BYTES) maker.stock.writeUIntBE(minute, at, MINUTE_BYTES);
  addChecks(maker.cipher, maker.stock, 'time');
}

/** @param ids of which the last bytes of each are overwritten */
function addChecks(cipher: Cipheriv, ids: Buffer, origin: Origin): void {
  for (let at = CHECK_AT; at < ids.length; at += ID_BYTES) ids.writeUInt32BE(ORIGINS[origin], at);
  const encrypted = cipher.update(ids);
  for (let at = 0; at < ids.length; at += ID_BYTES) ids.writeUInt32BE(encrypted.readUInt32BE(at), at + CHECK_AT);
}

function minuteOf(time: number): number {
  return Math.floor(time / MINUTE_MS) % MINUTES;
}

/** The start of the last such minute up to `now`, in milliseconds since 1970; infinity for one to come, by a clock that was ahead. */
function issuedAt(minute: number, now: number): number {
  const age = (minuteOf(now) - minute + MINUTES) % MINUTES;
  return age < MINUTES / 2 ? (Math.floor(now / MINUTE_MS) - age) * MINUTE_MS : Infinity;
}
