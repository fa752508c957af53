import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

const MODULE = JSON.stringify(join(import.meta.dirname, '../../src/observability/logger.ts'));

/** Runs code in a process whose standard output is a file, and returns its report and the messages in the file. */
function run(code: string): { reported: unknown; messages: string[]; lines: string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'accepted-log-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'log');
  const output = openSync(file, 'w');
  const prelude = `const { fstatSync } = await import('node:fs');
    const logger = (await import(${MODULE})).createLogger('info');
    const written = () => fstatSync(1).size;
    const report = (value) => process.stderr.write(JSON.stringify(value));`;
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', prelude + code], {
    stdio: ['ignore', output, 'pipe'],
    encoding: 'utf8',
  });
  closeSync(output);
  const text = readFileSync(file, 'utf8');
  const messages = [...text.matchAll(/"msg":"([^"]*)"/g)].map(([, message]) => message ?? '');
  return { reported: JSON.parse(stderr), messages, lines: text.trimEnd().split('\n') };
}

describe('log lines', () => {
  it('are buffered for a moment, and written in order', () => {
    const { reported, messages } = run(`
      logger.info({}, 'a');
      const kept = written();
      logger.info({}, 'b');
      while (written() === 0) await new Promise(setImmediate);
      report(kept);
      process.kill(process.pid, 'SIGKILL');`);
    expect(reported).toBe(0);
    expect(messages).toEqual(['a', 'b']);
  });

  it('are written at once, after earlier ones, for warnings and child loggers', () => {
    const { reported, messages } = run(`
      logger.info({}, 'a');
      logger.warn({}, 'b');
      const warned = written();
      logger.info({}, 'c');
      const kept = written();
      logger.child({ jobId: 'x' }).info({}, 'd');
      report([warned > 0, kept === warned, written() > kept]);
      process.kill(process.pid, 'SIGKILL');`);
    expect(reported).toEqual([true, true, true]);
    expect(messages).toEqual(['a', 'b', 'c', 'd']);
  });

  it('at info are those that pino makes', () => {
    const { lines } = run(`
      for (const fields of [
        {},
        { status: 200, problem: undefined, caller: null, jobIds: ['a', 'b'], filter: { type: 'x' } },
        { text: '"quoted"\\n\u0007 é 漢 \ud83d\ude00', odd: '\ud800', NaN: NaN },
        { err: Object.assign(new Error('secret'), { code: 'ECONNREFUSED' }) },
      ])
        for (const each of [logger, logger.child({})]) each.info(fields, 'what "happened"');
      report('');`);
    const ours = lines.filter((_, index) => index % 2 === 0);
    const pinos = lines.filter((_, index) => index % 2 === 1);
    const withoutTime = (line: string): string => line.replace(/"time":"[^"]+"/, '');
    expect(ours).toHaveLength(4);
    expect(ours.map(withoutTime)).toEqual(pinos.map(withoutTime));
  });

  it('have the time in UTC, to the millisecond', () => {
    const { reported, lines } = run(`
      const times = [0, 7, 1_000, 1_735_689_599_999, 1_735_689_600_010];
      for (const time of times) {
        Date.now = () => time;
        logger.info({}, 'a');
      }
      report(times.map((time) => new Date(time).toISOString()));`);
    expect(lines.map((line) => JSON.parse(line).time)).toEqual(reported);
  });

  it('use at most 16 KiB of buffer', () => {
    const { reported } = run(`
      for (let count = 0; count < 20; count += 1) logger.info({}, 'x'.repeat(1000));
      report(written() > 15_000);`);
    expect(reported).toBe(true);
  });

  it('are all written when the process exits', () => {
    const code = `const { createLogger } = await import(${MODULE});
      createLogger('info').info({}, 'last words');`;
    for (const end of ['', 'process.exit(0)'])
      expect(execFileSync(process.execPath, ['-e', code + end], { encoding: 'utf8' })).toContain('last words');
  });
});
