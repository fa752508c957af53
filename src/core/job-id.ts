import { randomBytes } from 'node:crypto';

/** 128 bits: nobody guesses a job's id. */
const RANDOM_BYTES = 16;
const JOB_ID = /^([a-z][A-Za-z0-9]{0,39})_[\w-]{22}$/;

/**
 * A new job's id, such as `customer_ku9AYxTRGnLLm3ywHtGZ4Q`: at most 64 characters, all unreserved in a URL (RFC 3986, section
 * 2.3). It starts with the type's name, so the queue that holds the job is known without a look-up. Clients treat it as opaque.
 */
export function newJobId(type: string): string {
  return `${type}_${randomBytes(RANDOM_BYTES).toString('base64url')}`;
}

/** The name of the job type that an id was made for, or undefined if no job can have this id. */
export function typeOfJobId(id: string): string | undefined {
  return JOB_ID.exec(id)?.[1];
}
