import { PassThrough } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { poll } from '../support/follow.ts';
import { startProcess } from '../support/process.ts';
import { createStore } from '../support/stores.ts';

const PERSONAL = ['Zuse Senior', 'Konrad & Co.', '0201530821', 'call-me-maybe', 'personal-id'];

describe('the logs', () => {
  it('are JSON lines with the ids of the request and the job, without personal data', async () => {
    const { settings, remove } = await createStore('redis');
    onTestFinished(remove);
    const output = new PassThrough().setEncoding('utf8');
    let text = '';
    output.on('data', (chunk: string) => (text += chunk));
    const server = await startProcess({ settings: { ...settings, LOG_LEVEL: 'debug' }, output });

    const submit = (isbn: string) =>
      fetch(`${server.url}/api/books`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ id: 'personal-id', title: 'Zuse Senior', publisher: 'Konrad & Co.', isbn }),
      });
    const jobs = [await (await submit('0201530821')).json(), await (await submit('call-me-maybe')).json()];
    for (const { id } of jobs) {
      await poll(
        () => fetch(`${server.url}/api/jobs/${id}?onComplete=status`),
        (answer) => answer.status === 200,
      );
    }
    await fetch(`${server.url}/api/books/personal-id`);
    await server.end('SIGTERM');

    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const accepted = lines.filter((line) => line.msg === 'job accepted');
    expect(accepted.map((line) => line.jobId)).toEqual(jobs.map((job) => job.id));
    const ended = lines.filter((line) => ['job succeeded', 'job attempt failed'].includes(line.msg));
    expect(new Set(ended.map((line) => line.requestId))).toEqual(new Set(accepted.map((line) => line.requestId)));
    expect(lines.find((line) => line.msg === 'request' && line.route === '/api/books/:id')).toBeDefined();
    for (const personal of PERSONAL) expect(text).not.toContain(personal);
  });
});
