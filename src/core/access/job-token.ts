import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { type JobKeyHolder, invalidToken } from './caller.ts';
import type { Job } from '../job.ts';
import type { JobQueue } from '../ports.ts';

/** Separates these tokens from later formats, and their key from other keys derived from the queue's secret. */
const VERSION = 'accepted job key 1';
const PREFIX = 'jk_';
/** Job id, its creation in milliseconds since 1970, expiry in seconds since 1970, and MAC. All characters are unreserved in a URL (RFC 3986, section 2.3). */
const JOB_KEY = /^jk_([a-z][A-Za-z0-9]{0,39}_[\w-]{22})\.(\d{1,15})\.(\d{1,12})\.([\w-]{43})$/;
/** A token is valid for the retention time of finished jobs, but at least this long, in seconds. */
const MIN_LIFE_SECONDS = 3600;

/** Issues and verifies access tokens for single jobs. They are valid in all processes on one queue. */
export interface JobKeys {
  issue(job: Pick<Job, 'id' | 'createdAt'>): Promise<string>;
  /** @throws ServiceError `unauthenticated`, for a forged or expired token */
  verify(key: string): Promise<JobKeyHolder>;
}

export function isJobKey(token: string): boolean {
  return token.startsWith(PREFIX);
}

/** @param now milliseconds since 1970 */
export function createJobKeys(
  queue: Pick<JobQueue, 'readSecret'>,
  retentionSeconds: number,
  now: () => number = Date.now,
): JobKeys {
  const lifeSeconds = Math.max(retentionSeconds, MIN_LIFE_SECONDS);
  let derived: { readonly secret: string; readonly key: Buffer } | undefined;

  async function sign(text: string): Promise<string> {
    const secret = await queue.readSecret();
    if (derived?.secret !== secret) derived = { secret, key: Buffer.from(hkdfSync('sha256', secret, '', VERSION, 32)) };
    return createHmac('sha256', derived.key).update(`${VERSION}:${text}`).digest('base64url');
  }

  return {
    async issue({ id, createdAt }) {
      const text = `${id}.${createdAt.getTime()}.${Math.floor(now() / 1000) + lifeSeconds}`;
      return `${PREFIX}${text}.${await sign(text)}`;
    },
    async verify(key) {
      const [whole, jobId = '', createdAt = '', expiry = '', mac = ''] = JOB_KEY.exec(key) ?? [];
      if (whole === undefined) throw invalidToken('The access token is not valid.');
      // Compared as text, because several base64url texts may decode to the same bytes. Both have 43 characters.
      const expected = Buffer.from(await sign(`${jobId}.${createdAt}.${expiry}`));
      if (!timingSafeEqual(Buffer.from(mac), expected)) throw invalidToken('The access token is not valid.');
      if (Number(expiry) * 1000 <= now()) throw invalidToken('The access token has expired.');
      return { kind: 'job-key', jobId, createdAt: Number(createdAt) };
    },
  };
}
