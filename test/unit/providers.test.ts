import { describe, expect, it } from 'vitest';
import type { Logger } from '../../src/core/ports.ts';
import { NotOpenError, type Provider, type ProviderContext, createProviders } from '../../src/core/providers.ts';
import { createLogger } from '../../src/observability/logger.ts';

const silent = createLogger('silent');
const context: Omit<ProviderContext, 'use'> = {
  settings: { SMTP_URL: 'smtp://localhost' },
  log: silent,
  database: async () => expect.fail('no database'),
};
const run = async (_name: string, open: (given: typeof context) => unknown): Promise<unknown> => open(context);

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
    await providers.open(run);
    await providers.open(run);
    expect(opened).toEqual(['url', 'mailer']);
    expect(providers.use('mailer')).toEqual({ url: 'smtp://localhost' });
    expect(providers.use({ name: 'url' })).toBe('smtp://localhost');
    expect(() => providers.use('toString')).toThrow('accepted.config.ts has no provider "toString"');
  });

  it('that fail to open are tried again, and those before them are kept', async () => {
    let tries = 0;
    let first = 0;
    const providers = createProviders({
      first: () => (first += 1),
      second: () => {
        tries += 1;
        if (tries === 1) throw new Error('not yet');
        return 'open';
      },
    });
    await expect(providers.open(run)).rejects.toThrow('not yet');
    expect(providers.use('first')).toBe(1);
    await providers.open(run);
    expect([providers.use('first'), providers.use('second')]).toEqual([1, 'open']);
  });

  it('are closed in reverse order, by their own functions or as disposable values, whatever one of them throws', async () => {
    const closed: unknown[] = [];
    const warned: object[] = [];
    const log: Logger = { ...silent, warn: (fields) => void warned.push(fields), isLevelEnabled: () => false };
    const definitions: Record<string, Provider<unknown>> = {
      a: { open: () => 'a', close: async (value) => void closed.push(value) },
      b: () => ({ [Symbol.dispose]: () => void closed.push('b') }),
      c: { open: () => 'c', close: () => Promise.reject(new Error('cannot')) },
      d: () => ({ [Symbol.asyncDispose]: async () => void closed.push('d') }),
      e: () => null,
    };
    const providers = createProviders(definitions);
    await providers.open(run);
    await providers.close(log);
    await providers.close(log);
    expect(closed).toEqual(['d', 'b', 'a']);
    expect(warned).toEqual([{ provider: 'c', thrown: expect.any(Error) }]);
  });

  it('of workers are not opened elsewhere, and say so', async () => {
    const providers = createProviders(
      { worker: () => expect.fail('opened'), both: { open: () => 1, api: true } },
      ({ api = false }) => api,
    );
    await providers.open(run);
    expect(providers.use('both')).toBe(1);
    expect(() => providers.use('worker')).toThrow(/"worker" is opened by workers only; set api: true/);
  });
});
