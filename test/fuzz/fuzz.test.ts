import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { poll } from '../support/follow.ts';
import { libraryDocument } from '../support/library-document.ts';
import { documentedReplies } from '../support/openapi.ts';
import { type Backend, createStore } from '../support/stores.ts';
import { startFuzzedServer } from './fuzzed-server.ts';
import { type GraphQLRequest, graphqlRequest } from './graphql-requests.ts';
import { expectBytes, expectGraphQLReply, expectRestReply } from './invariants.ts';
import { createLedger } from './ledger.ts';
import { malformedHttp } from './malformed-http.ts';
import { restRequest } from './rest-requests.ts';
import { type FuzzRequest, createClient } from './send.ts';

/** Total number of requests. A long run, such as 100,000, finds rarer failures. */
const REQUESTS = Number(process.env['FUZZ_REQUESTS'] ?? 3000);
/** The seed printed by a failure, to repeat the same requests. */
const SEED = process.env['FUZZ_SEED'];
/** Number of concurrent requests. */
const BATCH = 20;
/** What differs between the stores is small, and a job takes the embedded one ten times as long. */
const SHARES: Readonly<Record<Backend, number>> = { redis: 0.75, postgres: 0.2, embedded: 0.05 };

type Sent =
  | { readonly face: 'REST'; readonly request: FuzzRequest }
  | { readonly face: 'GraphQL'; readonly request: GraphQLRequest }
  | { readonly face: 'none'; readonly bytes: Buffer };

const anything: fc.Arbitrary<Sent> = fc.oneof(
  { arbitrary: restRequest.map((request): Sent => ({ face: 'REST', request })), weight: 10 },
  { arbitrary: graphqlRequest.map((request): Sent => ({ face: 'GraphQL', request })), weight: 9 },
  { arbitrary: malformedHttp.map((bytes): Sent => ({ face: 'none', bytes })), weight: 1 },
);

/** Adds the request to its failure. */
const blame = (sent: Sent) => (cause: unknown) => {
  throw new Error(`not as it should be: ${JSON.stringify(sent).slice(0, 2000)}`, { cause });
};

describe('a server under random requests', () => {
  it.each(['redis', 'postgres', 'embedded'] as const)(
    'replies by the contract, keeps accepted jobs, and stays healthy, on %s',
    { timeout: 900_000 },
    async (backend) => {
      const store = await createStore(backend);
      onTestFinished(() => store.remove());
      const server = await startFuzzedServer(store);
      const client = createClient(server.url);
      onTestFinished(() => client.close());
      const documented = documentedReplies(libraryDocument);
      const ledger = createLedger();

      const sendOne = async (sent: Sent): Promise<void> => {
        if (sent.face === 'none') return expectBytes(await client.sendBytes(sent.bytes));
        const request = ledger.fill(sent.request);
        const reply = await client.send(request);
        if (sent.face === 'REST') await expectRestReply(request, reply, documented);
        else expectGraphQLReply({ ...request, valid: sent.request.valid }, reply);
        ledger.note(request, reply);
      };

      await fc.assert(
        fc.asyncProperty(fc.array(anything, { minLength: BATCH, maxLength: BATCH }), async (batch) => {
          await Promise.all(batch.map((sent) => sendOne(sent).catch(blame(sent))));
        }),
        {
          numRuns: Math.ceil((REQUESTS * SHARES[backend]) / BATCH),
          // Earlier requests matter too, so a smaller batch would prove nothing.
          endOnFailure: true,
          ...(SEED !== undefined && { seed: Number(SEED) }),
        },
      );

      // The few requests to the other stores may all be refused.
      expect(ledger.accepted().length).toBeGreaterThanOrEqual(backend === 'redis' ? 1 : 0);
      for (const id of ledger.accepted()) {
        const headers = {};
        await poll(
          () => client.send({ method: 'GET', path: `/api/jobs/${id}?onComplete=status`, headers }),
          ({ status }) => status === 200,
        );
      }
      await server.expectSound();
    },
  );
});
