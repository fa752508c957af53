import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type WorkflowContext, createEndpointHandler, workflow } from '@restatedev/restate-sdk';
import { connect } from '@restatedev/restate-sdk-clients';
import { type CustomerInput, RESULT, parseInput } from './shared/customers.ts';
import { toReply } from './shared/reply.ts';
import { serveRest } from './shared/rest-on-fastify.ts';
import { startRestate } from './shared/restate-server.ts';
import { HOST } from './shared/serve.ts';

/** Restate runs all that it accepts, without a worker: the job of this customer stays pending. */
const STAYS_PENDING = 'pending';

const customer = workflow({
  name: 'customer',
  handlers: {
    run: async (context: WorkflowContext, input: CustomerInput) => {
      if (input.id === STAYS_PENDING) await context.sleep({ days: 1 });
      return RESULT;
    },
  },
});

const endpoint = createServer(createEndpointHandler({ services: [customer] }));
await new Promise<void>((resolve) => void endpoint.listen(0, HOST, resolve));
// A TCP server that listens has an address of this kind.
const { port } = endpoint.address() as AddressInfo;

const { ingress, admin } = await startRestate();
const registered = await fetch(`${admin}/deployments`, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({ uri: `http://${HOST}:${port}` }),
});
if (!registered.ok) throw new Error(`Restate refused the endpoint: ${await registered.text()}`);
const client = connect({ url: ingress });

// A read of the output contains no times.
const times = { startedAt: undefined, finishedAt: undefined };

await serveRest({
  async submit(body, base) {
    const input = parseInput(body);
    const id = randomBytes(16).toString('base64url');
    await client.workflowClient(customer, id).workflowSubmit(input);
    return toReply({ id, status: 'Pending', attempt: 0, createdAt: Date.now(), result: undefined, ...times }, base);
  },
  async read(id, base) {
    const output = await client.workflowClient(customer, id).workflowOutput();
    const state = output.ready
      ? ({ status: 'Succeeded', result: output.result } as const)
      : ({ status: 'Pending', result: undefined } as const);
    return toReply({ id, attempt: 1, createdAt: Date.now(), ...state, ...times }, base);
  },
});
