import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createJobIds } from '../../src/core/access/job-ids.ts';
import { newJobId, toJobId, typeOfJobId } from '../../src/core/job-id.ts';
import { principal } from '../support/callers.ts';

const HOUR = 3_600_000;
const [ada, eve] = [principal('ada'), principal('eve', ['admin'])];

/** Ids with a retention of an hour and a clock that a test sets. */
function idsAt(secret = 'secret') {
  let now = Date.UTC(2026, 0, 1, 12, 30);
  const ids = createJobIds({ readSecret: async () => secret, now: () => now }, 3600);
  return { ...ids, wait: (ms: number) => void (now += ms) };
}

/** The same id with one of its bits changed. */
function withChange(id: string, bit: number): string {
  const type = typeOfJobId(id) ?? '';
  const bytes = Buffer.from(id.slice(type.length + 1), 'base64url');
  const index = Math.floor(bit / 8);
  bytes[index] = (bytes[index] ?? 0) ^ (1 << (bit % 8));
  return toJobId(type, bytes);
}

describe("a job's id", () => {
  it('tells its caller alone that the job has expired, and not before it can have', async () => {
    const ids = idsAt();
    const id = await ids.issue('echo', 'ada');
    ids.wait(HOUR - 60_000);
    expect(await ids.hasExpired(id, ada)).toBe(false);
    // The minute is all that it says of the time.
    ids.wait(60_000);
    expect(await ids.hasExpired(id, ada)).toBe(true);
    expect(await ids.hasExpired(id, eve)).toBe(false);
    ids.wait(10 * 365 * 24 * HOUR);
    expect(await ids.hasExpired(id, ada)).toBe(true);
  });

  it('of a batch depends on the batch, the index and the secret alone, and tells that it was issued', async () => {
    const ids = idsAt();
    const batch = { id: newJobId('echo'), type: 'echo', caller: 'ada' };
    const all = await ids.ofBatch(batch, 1000);
    expect(new Set([batch.id, ...all]).size).toBe(1001);
    expect(new Set(all.map(typeOfJobId))).toEqual(new Set(['echo']));
    expect(await ids.ofBatch(batch, 3)).toEqual(all.slice(0, 3));
    const others = [await idsAt('other').ofBatch(batch, 3), await ids.ofBatch({ ...batch, id: newJobId('echo') }, 3)];
    for (const id of others.flat()) expect(all).not.toContain(id);
    expect(await ids.hasExpired(all[999] ?? '', ada)).toBe(true);
    expect(await ids.hasExpired(all[999] ?? '', eve)).toBe(false);
  });

  it('from a key tells that it was issued', async () => {
    const ids = idsAt();
    const id = await ids.ofKey('echo', 'ada', 'once');
    expect(await ids.ofKey('echo', 'ada', 'once')).toBe(id);
    expect(await ids.hasExpired(id, ada)).toBe(true);
    expect(await ids.hasExpired(id, eve)).toBe(false);
  });

  it('that was issued by a clock ahead of the present one has not expired', async () => {
    const ids = idsAt();
    const id = await ids.issue('echo', 'ada');
    ids.wait(-3 * HOUR);
    expect(await ids.hasExpired(id, ada)).toBe(false);
  });

  it('tells the holder of its access token what the token knows of it', async () => {
    const ids = idsAt();
    const id = newJobId('echo');
    const holder = (jobId: string, createdAt: number) => ({ kind: 'job-key', jobId, createdAt }) as const;
    const createdAt = Date.UTC(2026, 0, 1, 11, 30);
    expect(await ids.hasExpired(id, holder(id, createdAt))).toBe(true);
    expect(await ids.hasExpired(id, holder(id, createdAt + 1))).toBe(false);
    expect(await ids.hasExpired(id, holder(newJobId('echo'), createdAt))).toBe(false);
  });

  it('tells nothing after any change, for another type, or after the store has lost its secret', async () => {
    const [ids, other] = [idsAt(), idsAt('another')];
    const issued = [await ids.issue('echo', 'ada'), await ids.ofKey('echo', 'ada', 'once')];
    for (const each of [ids, other]) each.wait(2 * HOUR);
    for (const id of issued) {
      expect(await ids.hasExpired(id, ada)).toBe(true);
      expect(await other.hasExpired(id, ada)).toBe(false);
      expect(await ids.hasExpired(id.replace('echo', 'echoes'), ada)).toBe(false);
      for (let bit = 0; bit < 128; bit += 1) expect(await ids.hasExpired(withChange(id, bit), ada)).toBe(false);
      // Its last character has four bits that no byte needs.
      const last = id.at(-1) ?? '';
      const spare = String.fromCodePoint((last.codePointAt(0) ?? 0) + 1);
      expect(await ids.hasExpired(id.slice(0, -1) + spare, ada)).toBe(false);
    }
  });

  it('that was never issued tells nothing, whatever its bytes are', async () => {
    const ids = idsAt();
    ids.wait(2 * HOUR);
    const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((each) => toJobId('echo', Buffer.from(each)));
    await fc.assert(
      fc.asyncProperty(fc.oneof(bytes, fc.string()), async (id) => {
        expect(await ids.hasExpired(id, ada)).toBe(false);
      }),
    );
  });

  it('is of the type, at most 64 unreserved characters, and never the same', async () => {
    const ids = idsAt();
    const type = 'a'.repeat(40);
    const issued = await Promise.all(Array.from({ length: 1000 }, () => ids.issue(type, 'ada')));
    expect(new Set(issued).size).toBe(1000);
    for (const id of [...issued, await ids.ofKey(type, 'ada', 'once')]) {
      expect(id).toMatch(/^[\w-]{1,64}$/);
      expect(typeOfJobId(id)).toBe(type);
    }
  });
});
