import { RESULT } from '../shared/customers.ts';
import { QUEUE, startBoss } from '../shared/pg-boss.ts';
import { sayReady } from '../shared/serve.ts';

const boss = await startBoss();
await boss.work(QUEUE, { pollingIntervalSeconds: 0.5, batchSize: 10 }, async () => RESULT);
sayReady();
