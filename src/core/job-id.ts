import { randomBytes } from 'node:crypto';

/** The bytes of an id behind its type's name. */
export const ID_BYTES = 16;
const JOB_ID = /^([a-z][A-Za-z0-9]{0,39})_([\w-]{22})$/;

/**
 * Makes the id of a run without a queue: 128 random bits, which prove nothing to anyone. Jobs of a queue have ids of
 * [access/job-ids.ts](access/job-ids.ts) in the same form.
 */
export function newJobId(type: string): string {
  return toJobId(type, randomBytes(ID_BYTES));
}

/** The name of the job type in an id; undefined if the id is malformed. */
export function typeOfJobId(id: string): string | undefined {
  return JOB_ID.exec(id)?.[1];
}

/** The bytes of an id; undefined if the id is malformed, or is not how `toJobId` writes these bytes. */
export function bytesOfJobId(id: string): Buffer | undefined {
  const [, type = '', text = ''] = JOB_ID.exec(id) ?? [];
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length === ID_BYTES && toJobId(type, bytes) === id ? bytes : undefined;
}

/**
 * Writes a job's id, such as `thumbnail_ku9AYxTRGnLLm3ywHtGZ4Q`: at most 64 characters, all unreserved in a URL (RFC 3986, section
 * 2.3). It starts with the type's name, so that the job's queue is known without a look-up. Clients treat it as opaque.
 * @param from where the id's bytes begin
 */
export function toJobId(type: string, bytes: Buffer, from = 0): string {
  return `${type}_${bytes.toString('base64url', from, from + ID_BYTES)}`;
}
