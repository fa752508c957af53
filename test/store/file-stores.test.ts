import { mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createJobFiles } from '../../src/core/files/attempt-files.ts';
import { createFileKeys, newFileId } from '../../src/core/files/file-keys.ts';
import {
  FileExistsError,
  FileMissingError,
  type FileStore,
  FileTooLargeError,
} from '../../src/core/files/file-store.ts';
import { createFiles } from '../../src/core/files/files.ts';
import { sweepFiles } from '../../src/core/files/sweep.ts';
import { createUrls } from '../../src/core/urls.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { openFileStore } from '../../src/files/open-file-store.ts';
import { principal } from '../support/callers.ts';
import { scripted, setUpQueue } from '../support/queue.ts';
import { type S3Server, startS3 } from '../support/s3.ts';
import { BACKENDS } from '../support/stores.ts';

const PLACES = ['folder', 's3'] as const;
const INFO = { name: 'a ü.txt', contentType: 'text/plain; charset=utf-8' };
const MEBIBYTE = 1024 * 1024;

const folder = mkdtempSync(join(tmpdir(), 'accepted-files-'));
let s3: S3Server;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(async () => {
  await s3.stop();
  rmSync(folder, { recursive: true, force: true });
});

let opened = 0;
const openStore = (place: (typeof PLACES)[number]): FileStore =>
  openFileStore({
    DATA_DIR: join(folder, String((opened += 1))),
    ...(place === 's3' && (s3.settings() as { ARTIFACTS_URL: string })),
  });

async function* chunksOf(...chunks: readonly (Uint8Array | Error)[]): AsyncGenerator<Uint8Array, void, void> {
  for (const chunk of chunks) {
    if (chunk instanceof Error) throw chunk;
    yield chunk;
  }
}

const read = async (store: FileStore, key: string, range?: { start: number; end: number }): Promise<Buffer> =>
  buffer(await store.read(key, range));

describe.each(PLACES)('a store of files in a %s', (place) => {
  it('keeps bytes of any length and in any pieces, and gives any part of them', async () => {
    const store = openStore(place);
    await store.check();
    let count = 0;
    const pieces = fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(pieces, fc.nat(), fc.nat(), async (chunks, from, length) => {
        const whole = Buffer.concat(chunks);
        const key = `x/y/z/${(count += 1)}`;
        const info = await store.write(key, INFO, chunksOf(...chunks), { maxBytes: whole.length });
        expect(info).toMatchObject({ ...INFO, size: whole.length });
        expect(await store.stat(key)).toMatchObject({ ...INFO, size: whole.length });
        expect((await read(store, key)).equals(whole)).toBe(true);
        if (whole.length === 0) return;
        const start = from % whole.length;
        const end = Math.min(whole.length - 1, start + (length % 2000));
        expect((await read(store, key, { start, end })).equals(whole.subarray(start, end + 1))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('keeps files of several parts', async () => {
    const store = openStore(place);
    const chunks = Array.from({ length: 20 }, (_, index) => Buffer.alloc(MEBIBYTE - index, index));
    await store.write('x/y/z/large', INFO, chunksOf(...chunks), { maxBytes: 20 * MEBIBYTE });
    expect((await read(store, 'x/y/z/large')).equals(Buffer.concat(chunks))).toBe(true);
  });

  it.each([10, 9 * MEBIBYTE])('leaves nothing of a file whose writing fails after %i bytes', async (bytes) => {
    const store = openStore(place);
    const broken = new Error('broken');
    const writing = store.write('x/y/z/broken', INFO, chunksOf(Buffer.alloc(bytes), broken), { maxBytes: bytes });
    await expect(writing).rejects.toBe(broken);
    const large = store.write('x/y/z/broken', INFO, chunksOf(Buffer.alloc(bytes)), { maxBytes: bytes - 1 });
    await expect(large).rejects.toBeInstanceOf(FileTooLargeError);
    const signal = AbortSignal.abort(broken);
    const aborted = store.write('x/y/z/broken', INFO, chunksOf(Buffer.alloc(bytes)), { maxBytes: bytes, signal });
    await expect(aborted).rejects.toBe(broken);
    expect(await store.stat('x/y/z/broken')).toBeUndefined();
    await expect(store.read('x/y/z/broken')).rejects.toBeInstanceOf(FileMissingError);
    expect(await store.folders('x/y', undefined)).toEqual([]);
  });

  it('copies, lists and removes', async () => {
    const store = openStore(place);
    const write = (key: string) => store.write(key, INFO, chunksOf(Buffer.from(key)), { maxBytes: 100 });
    for (const key of ['r/1/a/x', 'r/1/a/y', 'r/1/b/x', 'r/2/a/x']) await write(key);
    await store.copy('r/1/a/x', 'r/3/c/x');
    await store.copy('r/1/a/y', 'r/3/c/y');
    expect((await read(store, 'r/3/c/x')).toString()).toBe('r/1/a/x');
    expect(await store.stat('r/3/c/x')).toMatchObject(INFO);
    await expect(store.copy('r/1/a/none', 'r/3/c/z')).rejects.toBeInstanceOf(FileMissingError);
    expect(await store.folders('r', undefined)).toEqual(['r/1/a', 'r/1/b', 'r/2/a', 'r/3/c']);
    expect(await store.folders('r', 'r/1/a')).toEqual(['r/1/b', 'r/2/a', 'r/3/c']);
    expect(await store.names('r/1/a')).toEqual(['x', 'y']);
    await store.removeFolder('r/1/a');
    await store.removeFolder('r/1/a');
    await store.remove('r/2/a/x');
    await store.remove('r/2/a/x');
    expect(await store.folders('r', undefined)).toEqual(['r/1/b', 'r/3/c']);
    expect((await read(store, 'r/3/c/x')).toString()).toBe('r/1/a/x');
  });
});

it('lets one of several writers of a key in a folder win', async () => {
  const store = openStore('folder');
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) =>
      store.write('x/y/z/raced', INFO, chunksOf(Buffer.alloc(1000, index)), { maxBytes: 1000 }),
    ),
  );
  const [winner] = outcomes.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const lost = outcomes.filter((each) => each.status === 'rejected' && each.reason instanceof FileExistsError);
  expect(lost).toHaveLength(19);
  expect(await store.stat('x/y/z/raced')).toEqual(winner);
});

it('keeps to its folder, whatever the key', async () => {
  const store = openStore('folder');
  for (const key of ['../x', '/etc/passwd', 'a/../../b', 'a//b', 'a\u0000', '', 'a/.']) {
    await expect(store.write(key, INFO, chunksOf(), { maxBytes: 1 })).rejects.toThrow('not a key');
    await expect(store.read(key)).rejects.toThrow('not a key');
  }
});

it('removes what a killed process left half written, and not what is being written', async () => {
  const store = openStore('folder');
  const [, root = ''] = store.description.split(':');
  const { promise: goesOn, resolve: goOn } = Promise.withResolvers<void>();
  const { promise: began, resolve: begin } = Promise.withResolvers<void>();
  const writing = store.write(
    'x/y/z/slow',
    INFO,
    (async function* slow() {
      yield Buffer.from('a');
      begin();
      await goesOn;
      yield Buffer.from('b');
    })(),
    { maxBytes: 2 },
  );
  await began;
  await store.removeUnfinished();
  expect(readdirSync(join(root, '.unfinished'))).toHaveLength(1);
  goOn();
  await writing;
  // As a kill leaves it.
  const { promise: ends, resolve: end } = Promise.withResolvers<void>();
  const killed = store.write(
    'x/y/z/left',
    INFO,
    (async function* left() {
      yield Buffer.from('a');
      await ends;
    })(),
    { maxBytes: 2 },
  );
  await expect.poll(() => readdirSync(join(root, '.unfinished'))).toHaveLength(1);
  const [left = ''] = readdirSync(join(root, '.unfinished'));
  await expect.poll(() => readdirSync(join(root, '.unfinished', left))).toHaveLength(1);
  const old = new Date(Date.now() - 2 * 3_600_000);
  utimesSync(join(root, '.unfinished', left, 'data'), old, old);
  await store.removeUnfinished();
  expect(readdirSync(join(root, '.unfinished'))).toEqual([]);
  end();
  await expect(killed).rejects.toBeInstanceOf(FileMissingError);
  expect(await store.stat('x/y/z/left')).toBeUndefined();
});

describe.each(BACKENDS)('retention of files, with jobs on %s', (backend) => {
  const plain = scripted('plain');
  const test = setUpQueue(backend, [plain], { retentionSeconds: 1 });
  const places = backend === 'redis' ? PLACES : (['folder'] as const);
  const logger = createLogger('silent');

  it.each(places)('removes files in a %s with their job, and no others', async (place) => {
    const store = openStore(place);
    const { queue } = test;
    const files = createJobFiles(store, queue, 1000);
    const keys = await createFileKeys(queue)();
    const write = (jobId: string) =>
      files.write(jobId, {
        ...INFO,
        body: chunksOf(Buffer.from('x')),
        signal: AbortSignal.timeout(60_000),
      });
    const workers = test.work();
    const ended = await test.add(plain, 'ended');
    await test.finish(ended);
    await workers.close(5000);
    const waiting = await test.add(plain, 'waiting');
    for (const { id } of [ended, waiting]) await write(id);
    // Kept for a job that the queue then refused, and of a type of another version.
    const unknown = 'plain_AAAAAAAAAAAAAAAAAAAAAA';
    const newer = 'newer_AAAAAAAAAAAAAAAAAAAAAA';
    for (const id of [unknown, newer]) await write(id);
    const options = { store, queue, retentionSeconds: 1, logger };
    const jobIdsLeft = async () => {
      const folders = await store.folders(keys.jobs, undefined);
      return new Set(folders.map((each) => each.split('/').at(-1)));
    };
    await sweepFiles({ ...options, retentionSeconds: 3600 });
    expect(await jobIdsLeft()).toEqual(new Set([ended.id, waiting.id, unknown, newer]));
    await expect
      .poll(
        async () => {
          await sweepFiles(options);
          return jobIdsLeft();
        },
        { timeout: 20_000 },
      )
      .toEqual(new Set([waiting.id, unknown, newer]));
    await sweepFiles({ ...options, now: () => Date.now() + 180_000 });
    expect(await jobIdsLeft()).toEqual(new Set([waiting.id, newer]));
  });

  it.each(places)('removes uploads in a %s that no job took, and bounds those of a caller', async (place) => {
    const store = openStore(place);
    const { queue } = test;
    const files = createFiles({ store, queue, maxUploadBytes: 100, maxCallerBytes: 250 });
    const urls = createUrls('http://localhost');
    const create = (caller: string, size = 100) =>
      files.createUpload({ name: 'a', contentType: 'a/b', size }, principal(caller), urls);
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => create('ada')));
    const refused = outcomes.filter((each) => each.status === 'rejected');
    // Several at once may refuse each other, and none goes beyond the bound.
    expect(refused.length).toBeGreaterThanOrEqual(4);
    for (const each of refused) expect(each.reason).toMatchObject({ problem: 'quota-exceeded' });
    await create('eve');
    await expect(create('reader', 101)).rejects.toMatchObject({ problem: 'invalid-input' });
    const keys = await createFileKeys(queue)();
    const options = { store, queue, retentionSeconds: 3600, logger };
    await sweepFiles(options);
    expect((await store.names(keys.ofUploads(keys.ownerOf('eve')))).length).toBe(1);
    await sweepFiles({ ...options, now: () => Date.now() + 3 * 3_600_000 });
    expect(await store.folders(keys.uploads, undefined)).toEqual([]);
    await create('ada');
  });

  it.runIf(backend === 'redis')('looks at more folders than one page has', async () => {
    const store = openStore('folder');
    const keys = await createFileKeys(test.queue)();
    const ids = Array.from({ length: 1005 }, (_, index) => `plain_${String(index).padStart(22, '0')}`);
    const old = newFileId(Date.now() - 3_600_000);
    for (const id of ids) await store.write(keys.ofFile(id, old) ?? '', INFO, chunksOf(), { maxBytes: 0 });
    await sweepFiles({ store, queue: test.queue, retentionSeconds: 60, logger });
    expect(await store.folders(keys.jobs, undefined)).toEqual([]);
  });
});
