import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { poll } from '../support/follow.ts';
import { type AcceptedProcess, startProcess } from '../support/process.ts';
import { BACKENDS, createStore } from '../support/stores.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/hostile');

const jobSchema = z.object({
  id: z.string(),
  status: z.string(),
  attempt: z.number(),
  error: z.object({ code: z.string() }).nullable(),
});
type JobBody = z.output<typeof jobSchema>;

const CANCELED = { status: 'Canceled', error: { code: 'JOB_CANCELED' } };

/** Accepted with the job type: an API process and a worker process if the store allows two. */
async function startWithStubborn(backend: (typeof BACKENDS)[number]) {
  const { settings, remove } = await createStore(backend);
  onTestFinished(remove);
  const file = join(dirname(settings.DATA_DIR), 'lines');
  const start = (role: string): Promise<AcceptedProcess> => startProcess({ settings: { ...settings, JOBS_DIR }, role });
  const separate = backend !== 'embedded';
  return {
    startApi: () => start(separate ? 'api' : 'all'),
    startWorker: (api: AcceptedProcess) => (separate ? start('worker') : Promise.resolve(api)),
    /** The events of the function, in order. */
    lines: () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []),
    async submit({ url }: AcceptedProcess, heeds: boolean): Promise<JobBody> {
      const response = await fetch(`${url}/api/stubborns`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ file, heeds }),
      });
      expect(response.status).toBe(202);
      return jobSchema.parse(await response.json());
    },
  };
}

async function read({ url }: AcceptedProcess, { id }: JobBody): Promise<JobBody> {
  return jobSchema.parse(await (await fetch(`${url}/api/jobs/${id}?onComplete=status`)).json());
}

const finish = (api: AcceptedProcess, job: JobBody): Promise<JobBody> =>
  poll(
    () => read(api, job),
    ({ status }) => status !== 'Running' && status !== 'Pending',
  );

const cancel = async ({ url }: AcceptedProcess, { id }: JobBody): Promise<number> =>
  (await fetch(`${url}/api/jobs/${id}`, { method: 'DELETE' })).status;

const statusOfPost = async (url: string): Promise<number> => (await fetch(url, { method: 'POST' })).status;

describe.each(BACKENDS)('cancellation of a job in another process on %s', (backend) => {
  it('reaches the job even if its worker is killed and all processes restart, and the job does not run again', async () => {
    const { startApi, startWorker, lines, submit } = await startWithStubborn(backend);
    const api = await startApi();
    const worker = await startWorker(api);
    const startOf = async (heeds: boolean): Promise<JobBody> => {
      const before = lines().length;
      const job = await submit(api, heeds);
      await poll(
        async () => lines().length,
        (count) => count > before,
      );
      return job;
    };

    const first = await startOf(true);
    expect(await cancel(api, first)).toBe(202);
    expect(await finish(api, first)).toMatchObject({ ...CANCELED, attempt: 1 });
    expect(lines()).toEqual(['started', 'aborted']);

    const second = await startOf(false);
    // The worker must not receive the cancellation; in one process with the API, it is killed soon enough.
    if (worker !== api) worker.suspend();
    expect(await cancel(api, second)).toBe(202);
    await worker.end('SIGKILL');
    await api.end('SIGKILL');

    const nextApi = await startApi();
    await startWorker(nextApi);
    expect(await finish(nextApi, second)).toMatchObject(CANCELED);
    expect(lines().filter((line) => line === 'started')).toHaveLength(2);
    expect(await read(nextApi, first)).toMatchObject(CANCELED);

    expect(await statusOfPost(`${nextApi.url}/api/jobs/${second.id}/retry`)).toBe(202);
    await poll(
      async () => lines().filter((line) => line === 'started'),
      (started) => started.length === 3,
    );
  });
});
