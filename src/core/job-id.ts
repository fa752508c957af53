import { createHmac, randomFillSync } from 'node:crypto';

/** 128 bits, so that a job's id cannot be guessed. */
const RANDOM_BYTES = 16;
const JOB_ID = /^([a-z][A-Za-z0-9]{0,39})_[\w-]{22}$/;

/**
 * Makes a job's id, such as `thumbnail_ku9AYxTRGnLLm3ywHtGZ4Q`: at most 64 characters, all unreserved in a URL (RFC 3986, section
 * 2.3). It starts with the type's name, so that the job's queue is known without a look-up. Clients treat it as opaque.
 */
export function newJobId(type: string): string {
  return toJobId(type, nextRandomBytes());
}

/** Random bytes are requested for this many ids at a time, which costs a twentieth of one request for each id. */
const POOLED_IDS = 256;
const pool = Buffer.alloc(POOLED_IDS * RANDOM_BYTES);
let used = pool.length;

/** Returns each byte of the pool once. */
function nextRandomBytes(): Buffer {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += RANDOM_BYTES;
  return pool.subarray(used - RANDOM_BYTES, used);
}

/**
 * Derives a job's id from an idempotency key. The queue accepts each id once, so submissions with the same key become one job
 * without a separate store of keys.
 * @param secret keeps the id unguessable for anyone who knows the key; shared by all processes on one queue
 */
export function jobIdOfKey(type: string, caller: string, idempotencyKey: string, secret: string): string {
  const mac = createHmac('sha256', secret)
    .update(JSON.stringify([type, caller, idempotencyKey]))
    .digest();
  return toJobId(type, mac.subarray(0, RANDOM_BYTES));
}

/** The name of the job type in an id; undefined if the id is malformed. */
export function typeOfJobId(id: string): string | undefined {
  return JOB_ID.exec(id)?.[1];
}

function toJobId(type: string, bytes: Buffer): string {
  return `${type}_${bytes.toString('base64url')}`;
}
