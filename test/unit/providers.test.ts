import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Logger } from '../../src/core/ports.ts';
import { NotOpenError, createProviders } from '../../src/core/providers.ts';
import { createLogger } from '../../src/observability/logger.ts';

const silent = createLogger('silent');
const contextOf = () => ({
  settings: { SMTP_URL: 'smtp://localhost' },
  log: silent,
  database: async () => expect.fail('no database'),
});

describe('providers', () => {
  it('are opened once, in their order, with the settings and those before them', async () => {
    const opened: string[] = [];
    const providers = createProviders({
      url: ({ settings }) => {
        opened.push('url');
        return settings['SMTP_URL'];
      },
      mailer: async ({ use }) => {
        opened.push('mailer');
        return { url: use('url') };
      },
    });
    expect(() => providers.use('mailer')).toThrow(NotOpenError);
    await providers.open(contextOf);
    await providers.open(contextOf);
    expect(opened).toEqual(['url', 'mailer']);
    expect(providers.use('mailer')).toEqual({ url: 'smtp://localhost' });
    expect(providers.use({ name: 'url' })).toBe('smtp://localhost');
    expect(() => providers.use('toString')).toThrow('accepted.config.ts has no provider "toString"');
  });

  it('that fail to open are closed and tried again, and those before them are kept', async () => {
    const closed: string[] = [];
    let tries = 0;
    let first = 0;
    const providers = createProviders({
      first: ({ onClose }) => {
        onClose(() => closed.push('first'));
        first += 1;
        return first;
      },
      second: ({ onClose }) => {
        tries += 1;
        onClose(() => closed.push(`second ${tries}`));
        if (tries === 1) throw new Error('not yet');
        return 'open';
      },
    });
    const describeError = (name: string, error: unknown): Error => new Error(`${name}: ${String(error)}`);
    await expect(providers.open(contextOf, describeError)).rejects.toThrow('second: Error: not yet');
    expect(closed).toEqual(['second 1']);
    await providers.open(contextOf);
    expect([providers.use('first'), providers.use('second')]).toEqual([1, 'open']);
  });

  it('that take long to open are named in the log', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { promise, resolve } = Promise.withResolvers<void>();
    const warned: object[] = [];
    const log: Logger = { ...silent, warn: (fields) => void warned.push(fields), isLevelEnabled: () => false };
    const providers = createProviders({ quick: () => 1, slow: () => promise });
    const opened = providers.open(() => ({ ...contextOf(), log }));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(warned).toEqual([{ provider: 'slow' }]);
    resolve();
    await opened;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('are closed in reverse order, whatever one of them throws', async () => {
    const closed: unknown[] = [];
    const warned: object[] = [];
    const log: Logger = { ...silent, warn: (fields) => void warned.push(fields), isLevelEnabled: () => false };
    const providers = createProviders({
      a: ({ onClose }) => {
        onClose(() => closed.push('a1'));
        onClose(async () => closed.push('a2'));
      },
      b: ({ onClose }) => onClose(() => Promise.reject(new Error('cannot'))),
      c: ({ onClose }) => onClose(() => closed.push('c')),
    });
    await providers.open(contextOf);
    await providers.close(log);
    await providers.close(log);
    expect(closed).toEqual(['c', 'a2', 'a1']);
    expect(warned).toEqual([{ provider: 'b', thrown: expect.any(Error) }]);
  });

  it('of workers are not opened elsewhere, and say so', async () => {
    const providers = createProviders(
      { worker: () => expect.fail('opened'), both: { open: () => 1, api: true } },
      true,
    );
    await providers.open(contextOf);
    expect(providers.use('both')).toBe(1);
    expect(() => providers.use('worker')).toThrow(/"worker" is opened by workers only; set api: true/);
  });
});
