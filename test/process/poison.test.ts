import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { startProcess } from '../support/process.ts';
import { type Backend, createStore } from '../support/stores.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/hostile');

it('a job that kills its worker each time fails with JOB_STALLED, and other jobs continue', async () => {
  const check = async (backend: Backend): Promise<void> => {
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

    const output = new PassThrough().setEncoding('utf8');
    let log = '';
    output.on('data', (chunk: string) => (log += chunk));
    let deaths = 0;
    let done = false;
    onTestFinished(() => void (done = true));
    /** Restarts the worker like a supervisor; the last one ends with the test. */
    const keepRunning = async (): Promise<void> => {
      // A worker may die before it is ready.
      const worker = await startProcess({ settings, role: 'worker', output }).catch(() => undefined);
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
    const id = deadly.split('/').at(-1);
    const lines = log
      .split('\n')
      .filter((line) => line.includes('lost its worker'))
      .map((line) => JSON.parse(line))
      .filter(({ jobId }) => jobId === id);
    expect(lines.map(({ level, type, lostWorkers, msg }) => `${level} ${type} ${lostWorkers} ${msg}`)).toEqual([
      'warn poison 1 job lost its worker',
      'warn poison 2 job lost its worker',
      'warn poison 3 job lost its worker',
      'error poison 4 job failed, because it lost its worker each time',
    ]);
  };
  // Most of the time they wait for locks to expire.
  await Promise.all([check('redis'), check('postgres')]);
}, 240_000);
