import { parentPort, workerData } from 'node:worker_threads';
import { type Load, runLoad } from './load.ts';

// `load` starts this thread with a `Load`.
const result = await runLoad(workerData as Load);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- The port of a thread has no origin.
parentPort?.postMessage(result);
