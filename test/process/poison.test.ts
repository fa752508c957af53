import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { poll } from '../support/follow.ts';
import { startProcess } from '../support/process.ts';
import { createStore } from '../support/stores.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/hostile');

it.each(['redis', 'postgres'] as const)(
  'a job that kills its worker each time fails with JOB_STALLED on %s, and other jobs continue',
  async (backend) => {
    const store = await createStore(backend);
    onTestFinished(() => store.remove());
    const settings = { ...store.settings, JOBS_DIR };
    const api = await startProcess({ settings, role: 'api' });

    const submit = async (deadly: boolean): Promise<string> => {
      const reply = await fetch(`${api.url}/api/poisons`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ deadly }),
      });
      expect(reply.status).toBe(202);
      return reply.headers.get('location') ?? '';
    };
    const finish = async (url: string) => {
      for (;;) {
        const reply = await fetch(`${url}?onPending=synchronous&onComplete=status`);
        const job = await reply.json();
        if (job.done) return job;
      }
    };

    let deaths = 0;
    let done = false;
    onTestFinished(() => void (done = true));
    /** Restarts the worker like a supervisor; the last one ends with the test. */
    const keepRunning = async (): Promise<void> => {
      // A worker may die before it is ready.
      const worker = await startProcess({ settings, role: 'worker' }).catch(() => undefined);
      await worker?.ended;
      deaths += 1;
      if (!done) await keepRunning();
    };
    void keepRunning();
    const deadly = await submit(true);
    const others = await Promise.all([submit(false), submit(false), submit(false)]);
    for (const other of others) expect(await finish(other)).toMatchObject({ status: 'Succeeded' });
    expect(await finish(deadly)).toMatchObject({ status: 'Failed', error: { code: 'JOB_STALLED' } });
    expect(await finish(await submit(false))).toMatchObject({ status: 'Succeeded' });
    // Four runs, none of which counts as a failed attempt.
    expect(deaths).toBe(4);
    done = true;
  },
  240_000,
);

const STRAY = `
import { EventEmitter } from 'node:events';
import { connect } from 'node:net';
import { z } from 'zod';
import { defineJob } from '../core/define-job.ts';

const shared = new EventEmitter();
setTimeout(() => shared.emit('error', new Error('of the file')), 50);
const failures = {
  timer: () => setTimeout(() => { throw new Error('thrown'); }, 20),
  promise: () => setTimeout(() => Promise.reject(new Error('rejected')), 20),
  immediate: () => setImmediate(() => { throw new Error('thrown'); }),
  nextTick: () => process.nextTick(() => { throw new Error('thrown'); }),
  notAwaited: () => void fetch('http://127.0.0.1:1'),
  emitter: () => setTimeout(() => shared.emit('error', new Error('emitted')), 20),
  socket: () => void connect(1, '127.0.0.1'),
  interval: () => void setInterval(() => { throw new Error('again'); }, 20),
};

export default defineJob({
  name: 'stray',
  collection: 'strays',
  description: 'Leaves an error uncaught.',
  input: z.object({ failure: z.enum(Object.keys(failures)), ends: z.boolean() }),
  result: z.object({ ended: z.boolean() }),
  attempts: 1,
  async run(input, job) {
    failures[input.failure]();
    if (!input.ends) await new Promise(() => undefined);
    return { ended: true };
  },
});
`;

it('an error that a job leaves uncaught fails its attempt at most, and the process continues', async () => {
  const { settings, remove } = await createStore('redis');
  onTestFinished(remove);
  const folder = copyProject();
  writeFileSync(join(folder, 'src/jobs/stray.ts'), STRAY);
  const output = new PassThrough().setEncoding('utf8');
  let log = '';
  output.on('data', (chunk: string) => (log += chunk));
  const { url, end } = await startProcess({ settings, main: join(folder, 'src/main.ts'), output });
  const failures = ['timer', 'promise', 'immediate', 'nextTick', 'notAwaited', 'emitter', 'socket', 'interval'];
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
  const broken = await Promise.all(failures.map((failure) => run(failure, false)));
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
  expect(log).toMatch(/"file":"[^"]*stray.ts","msg":"job file left an error uncaught"/);
  expect(await end('SIGTERM')).toBe(0);
});
