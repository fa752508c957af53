import { randomUUID } from 'node:crypto';
import { ATTEMPTS, parseInput } from './shared/customers.ts';
import { QUEUE, startBoss } from './shared/pg-boss.ts';
import { type Status, toReply } from './shared/reply.ts';
import { serveRest } from './shared/rest-on-fastify.ts';

const STATUSES: Readonly<Record<string, Status>> = { active: 'Running', completed: 'Succeeded', failed: 'Failed' };
const boss = await startBoss();

await serveRest({
  async submit(body, base) {
    const input = parseInput(body);
    // Its ids are UUIDs: 122 random bits.
    const id = randomUUID();
    await boss.send(QUEUE, input, { id, retryLimit: ATTEMPTS - 1 });
    const unknown = { startedAt: undefined, finishedAt: undefined, result: undefined };
    return toReply({ id, status: 'Pending', attempt: 0, createdAt: Date.now(), ...unknown }, base);
  },
  async read(id, base) {
    const job = await boss.getJobById(QUEUE, id);
    if (job === null) return undefined;
    const { state, retryCount, createdOn, startedOn, completedOn, output } = job;
    return toReply(
      {
        id,
        status: STATUSES[state] ?? 'Pending',
        attempt: retryCount,
        createdAt: createdOn.getTime(),
        // The columns are null before.
        startedAt: startedOn?.getTime(),
        finishedAt: completedOn?.getTime(),
        result: output,
      },
      base,
    );
  },
});
