import { EventEmitter } from 'node:events';
import { connect } from 'node:net';
import { z } from 'zod';
import { defineJob } from '../../../../src/core/define-job.ts';

const shared = new EventEmitter();
setTimeout(() => shared.emit('error', new Error('of the file')), 50);

const fail = (): never => {
  throw new Error('thrown');
};
const failures = {
  timer: () => void setTimeout(fail, 20),
  promise: () => void setTimeout(() => void Promise.reject(new Error('rejected')), 20),
  immediate: () => void setImmediate(fail),
  nextTick: () => process.nextTick(fail),
  notAwaited: () => void fetch('http://127.0.0.1:1'),
  emitter: () => void setTimeout(() => shared.emit('error', new Error('emitted')), 20),
  socket: () => void connect(1, '127.0.0.1'),
  interval: () => void setInterval(fail, 20),
};
const names = ['timer', 'promise', 'immediate', 'nextTick', 'notAwaited', 'emitter', 'socket', 'interval'] as const;

/** Leaves an error uncaught, and so does this file when it is loaded. */
export default defineJob({
  name: 'stray',
  collection: 'strays',
  description: 'Leaves an error uncaught.',
  input: z.object({ failure: z.enum(names), ends: z.boolean() }),
  result: z.object({ ended: z.boolean() }),
  attempts: 1,
  async run({ failure, ends }) {
    failures[failure]();
    if (!ends) await new Promise(() => undefined);
    return { ended: true };
  },
});
