import { describe, expect, it, onTestFinished } from 'vitest';
import { type Circuit, createCircuit } from '../../src/queue/circuit.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { poll } from '../support/follow.ts';
import { signal } from '../support/queue.ts';

const NEVER = new Promise<never>(() => undefined);
const MS = 20;

/** A circuit over a store that answers pings as told, and the messages that it logs. */
function setUp(ping: () => Promise<void>) {
  const logged: string[] = [];
  const logger = createLogger('silent');
  const keep = (_fields: object, message: string): void => void logged.push(message);
  const circuit = createCircuit({ ping, logger: { ...logger, debug: keep, info: keep, warn: keep, error: keep } });
  onTestFinished(() => circuit.close());
  return { circuit, logged };
}

const refusal = (circuit: Circuit): Promise<unknown> =>
  circuit.call(async () => undefined, MS).catch((error: unknown) => (error instanceof Error ? error.name : error));

describe('the circuit in front of a store', () => {
  it('lets calls through after one that took too long, if the store answers', async () => {
    const asked = signal();
    const { circuit, logged } = setUp(async () => asked.reach());
    await expect(circuit.call(() => NEVER, MS)).rejects.toThrow('no answer');
    await asked.reached;
    expect(await circuit.call(async () => 'answer', MS)).toBe('answer');
    expect(logged).toEqual([]);
  });

  it('asks nothing for what a call did wrong itself', async () => {
    let pings = 0;
    const { circuit } = setUp(async () => void (pings += 1));
    await expect(circuit.call(() => Promise.reject(new Error('ERR syntax error')), MS)).rejects.toThrow('syntax');
    expect(pings).toBe(0);
  });

  it('refuses calls without sending them while the store does not answer, and logs once when it goes and once when it is back', async () => {
    const answered = signal();
    let pings = 0;
    const { circuit, logged } = setUp(async () => {
      pings += 1;
      await answered.reached;
    });
    circuit.suspect();
    await poll(
      () => refusal(circuit),
      (name) => name === 'UnansweredError',
    );
    for (let count = 0; count < 100; count += 1) expect(await refusal(circuit)).toBe('UnansweredError');
    circuit.suspect();
    // One question at a time is under way, however long.
    expect(pings).toBe(1);
    answered.reach();
    await poll(
      () => refusal(circuit),
      (name) => name === undefined,
    );
    expect(logged).toEqual(['the queue is unavailable; retrying', 'the queue is available again']);
  });

  it('asks again and again while the store refuses connections', async () => {
    let pings = 0;
    const { circuit, logged } = setUp(async () => {
      pings += 1;
      if (pings <= 3) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    });
    circuit.suspect();
    await poll(
      async () => logged.length,
      (length) => length === 2,
    );
    expect(pings).toBe(4);
  });

  it('holds no more than 2000 calls at a time, and takes the next ones when they are answered', async () => {
    const answered = signal();
    const { circuit } = setUp(async () => undefined);
    const calls = Array.from({ length: 2000 }, () => circuit.call(() => answered.reached, 30_000));
    expect(await refusal(circuit)).toBe('UnansweredError');
    answered.reach();
    await Promise.all(calls);
    expect(await refusal(circuit)).toBeUndefined();
  });
});
