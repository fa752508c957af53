import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { LineBuffer } from '../../src/observability/line-buffer.ts';
import { poll } from '../support/follow.ts';

function createBuffered() {
  const writes: string[] = [];
  const buffer = new LineBuffer({ write: (lines) => void writes.push(lines) });
  const logger = pino({ base: null, timestamp: false }, buffer);
  buffer.keptLogger = logger;
  /** The messages of each write. */
  const written = () => writes.map((lines) => [...lines.matchAll(/"msg":"([^"]*)"/g)].map(([, message]) => message));
  return { logger, written };
}

describe('lines of log', () => {
  it('of a moment are written together, in their order', async () => {
    const { logger, written } = createBuffered();
    const writtenTo = (count: number) =>
      poll(
        async () => written(),
        ({ length }) => length === count,
      );
    logger.info('a');
    await new Promise(setImmediate);
    logger.info('b');
    expect(written()).toEqual([]);
    expect(await writtenTo(1)).toEqual([['a', 'b']]);
    logger.info('c');
    expect(await writtenTo(2)).toEqual([['a', 'b'], ['c']]);
  });

  it('that warn, or that a child logs, are written at once behind what was kept', () => {
    const { logger, written } = createBuffered();
    logger.info('a');
    logger.warn('b');
    logger.child({ jobId: 'x' }).info('c');
    expect(written()).toEqual([['a', 'b'], ['c']]);
  });

  it('are kept no further than 64 KiB', () => {
    const { logger, written } = createBuffered();
    for (let count = 0; count < 70; count += 1) logger.info('x'.repeat(1000));
    expect(written()).toHaveLength(1);
  });

  it('are all written when the process ends', () => {
    const module = join(import.meta.dirname, '../../src/observability/logger.ts');
    const code = `const { createLogger } = await import(${JSON.stringify(module)});
      createLogger('info').info({}, 'last words');`;
    for (const end of ['', 'process.exit(0)'])
      expect(execFileSync(process.execPath, ['-e', code + end], { encoding: 'utf8' })).toContain('last words');
  });
});
