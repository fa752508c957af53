import { createHmac, randomFillSync } from 'node:crypto';

/** 128 bits: nobody guesses a job's id. */
const RANDOM_BYTES = 16;
const JOB_ID = /^([a-z][A-Za-z0-9]{0,39})_[\w-]{22}$/;

/**
 * A new job's id, such as `customer_ku9AYxTRGnLLm3ywHtGZ4Q`: at most 64 characters, all unreserved in a URL (RFC 3986, section
 * 2.3). It starts with the type's name, so the queue that holds the job is known without a look-up. Clients treat it as opaque.
 */
export function newJobId(type: string): string {
  return toJobId(type, nextRandomBytes());
}

/** Asked for as many ids at a time as this, the system gives random bytes at a twentieth of what each id's would cost alone. */
const POOLED_IDS = 256;
const pool = Buffer.alloc(POOLED_IDS * RANDOM_BYTES);
let used = pool.length;

/** No byte is given out twice. */
function nextRandomBytes(): Buffer {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += RANDOM_BYTES;
  return pool.subarray(used - RANDOM_BYTES, used);
}

/**
 * The one id that a caller's idempotency key stands for. As the queue takes an id only once, it makes submissions with the same
 * key one job without a store of keys.
 * @param secret what keeps those who know the key from guessing the id; the same in all processes on one queue
 */
export function jobIdOfKey(type: string, caller: string, idempotencyKey: string, secret: string): string {
  const mac = createHmac('sha256', secret)
    .update(JSON.stringify([type, caller, idempotencyKey]))
    .digest();
  return toJobId(type, mac.subarray(0, RANDOM_BYTES));
}

/** The name of the job type that an id was made for, or undefined if no job can have this id. */
export function typeOfJobId(id: string): string | undefined {
  return JOB_ID.exec(id)?.[1];
}

function toJobId(type: string, bytes: Buffer): string {
  return `${type}_${bytes.toString('base64url')}`;
}
