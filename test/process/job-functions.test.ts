import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { poll } from '../support/follow.ts';
import { startProcess } from '../support/process.ts';
import { BACKENDS, type Backend, createStore } from '../support/stores.ts';

const HOSTILE_JOBS = join(import.meta.dirname, '../support/jobs/hostile');
const STRAY_JOBS = join(import.meta.dirname, '../support/jobs/stray');

/** Of the job type `stray`, whose file leaves an error uncaught itself when it is loaded. */
const FAILURES = ['timer', 'promise', 'immediate', 'nextTick', 'notAwaited', 'emitter', 'socket', 'interval'];

it('an error that a job leaves uncaught fails its attempt at most, and the process continues', async () => {
  const { settings, remove } = await createStore('redis');
  onTestFinished(remove);
  const output = new PassThrough().setEncoding('utf8');
  let log = '';
  output.on('data', (chunk: string) => (log += chunk));
  const { url, end } = await startProcess({ settings: { ...settings, JOBS_DIR: STRAY_JOBS }, output });
  const run = async (failure: string, ends: boolean) => {
    const body = JSON.stringify({ failure, ends });
    const reply = await fetch(`${url}/api/strays`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Prefer: 'wait=50' },
      body,
    });
    const { id } = await (await fetch(reply.headers.get('operation-location') ?? '')).json();
    return (await fetch(`${url}/api/jobs/${id}?onComplete=status&onPending=synchronous`)).json();
  };
  const broken = await Promise.all(FAILURES.map((failure) => run(failure, false)));
  for (const job of broken) {
    expect(job).toMatchObject({ status: 'Failed', error: { code: 'JOB_FAILED' } });
    expect(log).toMatch(new RegExp(`"jobId":"${job.id}".*"msg":"job function left an error uncaught"`));
  }
  // The error follows the end of the function, and changes nothing any more.
  const done = await run('timer', true);
  expect(done).toMatchObject({ status: 'Succeeded' });
  await poll(
    async () => log,
    (text) => new RegExp(`"jobId":"${done.id}".*"msg":"job function left an error uncaught"`).test(text),
  );
  expect(log).toMatch(/"file":"[^"]*stray.ts","msg":"file left an error uncaught"/);
  expect(await end('SIGTERM')).toBe(0);
});

it('a job that blocks its thread longer than a lock lasts runs once, and so do those beside it', async () => {
  const check = async (backend: Backend): Promise<void> => {
    const store = await createStore(backend);
    onTestFinished(() => store.remove());
    const settings = { ...store.settings, JOBS_DIR: HOSTILE_JOBS };
    const file = join(dirname(settings.DATA_DIR), 'runs');
    const output = new PassThrough().setEncoding('utf8');
    let log = '';
    output.on('data', (chunk: string) => (log += chunk));
    const api = await startProcess(backend === 'embedded' ? { settings, output } : { settings, role: 'api' });
    if (backend !== 'embedded') await startProcess({ settings, role: 'worker', output });
    const submit = async (blocks: boolean): Promise<string> => {
      const reply = await fetch(`${api.url}/api/blockings`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ file, blocks }),
      });
      return (await reply.json()).id;
    };
    const runs = () => readFileSync(file, 'utf8').trim().split('\n').toSorted();
    const ids = await Promise.all([submit(false), submit(true), submit(false)]);
    await poll(
      async () => (existsSync(file) ? runs() : []),
      ({ length }) => length === ids.length,
    );
    // Takes whatever the blocked worker loses.
    if (backend !== 'embedded') await startProcess({ settings, role: 'worker', output });
    for (const id of ids) {
      const done = await poll(
        async () => (await fetch(`${api.url}/api/jobs/${id}?onComplete=status`)).json(),
        (job) => job.done,
      );
      expect(done).toMatchObject({ status: 'Succeeded' });
    }
    expect(runs()).toEqual(ids.toSorted());
    const succeeded = await poll(
      async () => [...log.matchAll(/"jobId":"([^"]+)".*"msg":"job succeeded"/g)].map(([, id]) => id),
      ({ length }) => length >= ids.length,
    );
    expect(succeeded.map(String).toSorted()).toEqual(ids.toSorted());
    expect(log).toMatch(new RegExp(`"jobIds":.*${ids[1]}.*"msg":"something blocked the thread`));
  };
  await Promise.all(BACKENDS.map(check));
}, 240_000);
