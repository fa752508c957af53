import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { startApp, startAppForTest } from '../support/app.ts';
import { API_KEYS, type KeyName, bearer, clientOf, keyOf } from '../support/callers.ts';
import { statesOf } from '../support/states.ts';
import { BACKENDS, createStore } from '../support/stores.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');
const SETTINGS = { API_KEYS, JOBS_DIR };
const QUERY = `subscription ($filter: JobFilter) {
  jobChanges(filter: $filter) { id status caller ... on ScriptedJob { result { text } } }
}`;

const eventSchema = z.object({
  data: z.object({
    jobChanges: z.object({
      id: z.string(),
      status: z.string(),
      caller: z.string().nullable(),
      result: z.object({ text: z.string() }).nullable(),
    }),
  }),
});
const jobSchema = z.looseObject({ id: z.string() });

describe.each(BACKENDS)('jobChanges on %s', (backend) => {
  it('is a stream of the jobs that the caller may see, which breaks off at shutdown', async () => {
    const store = await createStore(backend);
    onTestFinished(() => store.remove());
    const app = await startApp(backend, SETTINGS, { store, role: backend === 'embedded' ? 'all' : 'api' });
    onTestFinished(() => app.close());
    const watch = async (name: KeyName, filter: object) => {
      const response = await fetch(`${app.url}/graphql`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream', ...bearer(keyOf(name)) },
        body: JSON.stringify({ query: QUERY, variables: { filter } }),
      });
      expect(response.status).toBe(200);
      return statesOf(response);
    };
    const changeOf = async (events: AsyncGenerator<unknown, void, void>) =>
      eventSchema.parse((await events.next()).value).data.jobChanges;
    const submit = async (name: KeyName) => {
      const client = clientOf(app, bearer(keyOf(name)));
      return jobSchema.parse((await client.rest('/api/scripted-jobs', { method: 'POST', body: { text: 'x' } })).body);
    };
    const ofAdmin = await watch('admin', { type: 'scripted' });
    const ofEve = await watch('eve', {});
    const mine = await submit('ada');
    expect(await changeOf(ofAdmin)).toMatchObject({ id: mine.id, caller: 'key:ada' });
    const theirs = await submit('eve');
    if (backend !== 'embedded') await startAppForTest(backend, SETTINGS, { store, role: 'all' });
    let change;
    do {
      change = await changeOf(ofEve);
      expect(change).toMatchObject({ id: theirs.id, caller: null });
    } while (change.result === null);
    const refused = await watch('eve', { caller: 'key:ada' });
    expect((await refused.next()).value).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
    // A connection that breaks off, rather than an end, has clients connect anew.
    const [end] = await Promise.allSettled([Array.fromAsync(ofEve), app.close()]);
    expect(end).toMatchObject({ status: 'rejected', reason: { message: 'terminated' } });
  });
});
