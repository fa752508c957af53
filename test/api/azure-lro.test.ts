import { type CreateHttpPollerOptions, type OperationState, createHttpPoller } from '@azure/core-lro';
import {
  type PipelineRequestOptions,
  createDefaultHttpClient,
  createHttpHeaders,
  createPipelineFromOptions,
  createPipelineRequest,
} from '@azure/core-rest-pipeline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { JobError } from '../../src/core/job-error.ts';
import { poll } from '../support/follow.ts';
import { createGate } from '../support/gate.ts';
import { startScriptedApp } from '../support/scripted-app.ts';

type Options = CreateHttpPollerOptions<unknown, OperationState<unknown>>;

/** The poller's own interval, so long that it can only end in time by the server's `Retry-After`. */
const HOUR_MS = 3_600_000;

const pipeline = createPipelineFromOptions({});
const httpClient = createDefaultHttpClient();

/** Sends a request the way Azure's clients do, and shapes the reply for their poller. */
async function send(options: PipelineRequestOptions) {
  const request = createPipelineRequest({ allowInsecureConnection: true, ...options });
  const { status, headers, bodyAsText } = await pipeline.sendRequest(httpClient, request);
  const body: unknown = JSON.parse(bodyAsText ?? 'null');
  return { flatResponse: body, rawResponse: { statusCode: status, request, headers: headers.toJSON(), body } };
}

function submit(url: string) {
  const headers = createHttpHeaders({ 'Content-Type': 'application/json' });
  return send({ method: 'POST', url: `${url}/api/scripts`, headers, body: JSON.stringify({ text: 'Ada' }) });
}

/** Submits a job and polls the status monitor that `Operation-Location` names. */
function startPoller(url: string, options: Options = {}) {
  return createHttpPoller<unknown, OperationState<unknown>>(
    { sendInitialRequest: () => submit(url), sendPollRequest: (path) => send({ url: path }) },
    { intervalInMs: HOUR_MS, ...options },
  );
}

const jobSchema = z.object({ id: z.string() });

describe("the poller of Azure's clients", () => {
  it('follows the monitor from the start through progress to the result', async () => {
    const halfway = createGate();
    const gate = createGate();
    const app = await startScriptedApp({
      backend: 'redis',
      async run(job) {
        await job.progress(50);
        halfway.open();
        await gate.opened;
      },
    });
    const monitor: unknown[] = [];
    const statuses: string[] = [];
    const poller = startPoller(app.url, { updateState: (_state, { rawResponse }) => monitor.push(rawResponse.body) });
    poller.onProgress(({ status }) => statuses.push(status));

    await poller.poll();
    app.startWorker();
    await halfway.opened;
    await poller.poll();
    gate.open();
    expect(await poller.pollUntilDone()).toEqual({ text: 'Ada' });

    expect(monitor.slice(0, 2)).toMatchObject([
      { status: 'NotStarted', percentComplete: 0 },
      { status: 'Running', percentComplete: 50 },
    ]);
    expect(statuses.slice(0, 2)).toEqual(['running', 'running']);
    expect(statuses.at(-1)).toBe('succeeded');
    expect(poller.operationState?.status).toBe('succeeded');
  });

  it('polls again after Retry-After rather than its own interval of an hour', async () => {
    const app = await startScriptedApp({ backend: 'redis' });
    let polls = 0;
    const poller = startPoller(app.url, { updateState: () => void (polls += 1) });
    const done = poller.pollUntilDone();
    await poll(
      async () => polls,
      (count) => count > 1,
    );
    app.startWorker();
    expect(await done).toEqual({ text: 'Ada' });
  });

  it.each(['location', 'operation-location', 'original-uri'] as const)(
    'finds the result by the monitor, even if configured to read the %s',
    async (resourceLocationConfig) => {
      const app = await startScriptedApp({ backend: 'redis' });
      app.startWorker();
      expect(await startPoller(app.url, { resourceLocationConfig }).pollUntilDone()).toEqual({ text: 'Ada' });
    },
  );

  it('fails with the code and the message of the job', async () => {
    const app = await startScriptedApp({
      backend: 'redis',
      async run() {
        throw new JobError('NO_PAPER', 'The printer is empty.', { retry: false });
      },
    });
    app.startWorker();
    const poller = startPoller(app.url);
    await expect(poller.pollUntilDone()).rejects.toThrow('NO_PAPER. The printer is empty.');
    expect(poller.operationState?.status).toBe('failed');
  });

  it('ends when the job is canceled', async () => {
    const app = await startScriptedApp({ backend: 'redis' });
    let id = '';
    const poller = startPoller(app.url, {
      updateState: (_state, { rawResponse }) => void ({ id } = jobSchema.parse(rawResponse.body)),
    });
    await poller.poll();
    expect((await app.fetch(`/api/jobs/${id}`, { method: 'DELETE' })).status).toBe(200);
    await expect(poller.pollUntilDone()).rejects.toThrow('canceled');
    expect(poller.operationState?.status).toBe('canceled');
  });

  it('can be serialized and resumed elsewhere', async () => {
    const gate = createGate();
    onTestFinished(() => gate.open());
    const app = await startScriptedApp({ backend: 'redis', run: () => gate.opened });
    app.startWorker();
    const restoreFrom = await startPoller(app.url).serialize();
    gate.open();
    const restored = createHttpPoller<unknown, OperationState<unknown>>(
      { sendInitialRequest: () => expect.fail('submitted again'), sendPollRequest: (path) => send({ url: path }) },
      { intervalInMs: HOUR_MS, restoreFrom },
    );
    expect(await restored.pollUntilDone()).toEqual({ text: 'Ada' });
  });
});

describe("the poller of Azure's clients, with Location alone", () => {
  /** The pipeline follows a 303 only for POST, so the result is requested without a redirect. */
  function startLocationPoller(url: string) {
    return createHttpPoller<unknown, OperationState<unknown>>(
      {
        async sendInitialRequest() {
          const { flatResponse, rawResponse } = await submit(url);
          const { 'operation-location': _, ...headers } = rawResponse.headers;
          return { flatResponse, rawResponse: { ...rawResponse, headers } };
        },
        sendPollRequest: (path) => send({ url: `${path}?onComplete=stream` }),
      },
      { intervalInMs: HOUR_MS },
    );
  }

  it('ends with the result', async () => {
    const app = await startScriptedApp({ backend: 'redis' });
    const poller = startLocationPoller(app.url);
    expect(await poller.poll()).toMatchObject({ status: 'running' });
    app.startWorker();
    expect(await poller.pollUntilDone()).toEqual({ text: 'Ada' });
  });

  it('fails if the job fails', async () => {
    const app = await startScriptedApp({
      backend: 'redis',
      async run() {
        throw new JobError('NO_PAPER', 'The printer is empty.', { retry: false });
      },
    });
    app.startWorker();
    const poller = startLocationPoller(app.url);
    await expect(poller.pollUntilDone()).rejects.toThrow('failed');
    expect(poller.operationState?.status).toBe('failed');
  });
});
