import { join } from 'node:path';
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
  };
  // Most of the time they wait for locks to expire.
  await Promise.all([check('redis'), check('postgres')]);
}, 240_000);
