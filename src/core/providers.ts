/** Dependencies of job functions, such as a mailer or a pool of connections: opened once in each process, and closed with it. */
import { settlesWithin } from './deadline.ts';
import type { Logger } from './ports.ts';
import type { ProviderKey, Use } from './register.ts';

/** The longest wait for one dependency to close, in milliseconds. */
const CLOSE_MS = 5000;
/** A dependency that takes longer to open is named in the log, because no job runs meanwhile; in milliseconds. */
const SLOW_OPEN_MS = 10_000;

/** One connection of a `DatabasePool`. */
export interface DatabaseClient {
  query<Row>(cursor: DatabaseCursor<Row>): DatabaseCursor<Row>;
  query<Row>(text: string, parameters?: readonly unknown[]): Promise<DatabaseResult<Row>>;
  release(): void;
}
export interface DatabaseResult<Row> {
  rows: Row[];
  rowCount: number;
  command: 'UPDATE' | 'DELETE' | 'INSERT' | 'SELECT' | 'MERGE';
}
export interface DatabaseCursor<Row> {
  read(rowsCount: number): Promise<Row[]>;
  close(): Promise<void>;
}

/** PostgreSQL in the shape of a `pg.Pool`, as query builders such as Kysely and Drizzle take it. */
export interface DatabasePool {
  connect(): Promise<DatabaseClient>;
  query<Row>(text: string, parameters?: readonly unknown[]): Promise<DatabaseResult<Row>>;
  /** Does nothing: the pool is closed with the process. */
  end(): Promise<void>;
}

/** The settings of a project whose schema is not known. */
type AnySettings = Record<string, unknown>;

/** What the functions that open dependencies receive. */
export interface ProviderContext<Settings = AnySettings> {
  /** The project's own settings, as its schema parsed them. */
  readonly settings: Settings;
  readonly log: Logger;
  /** The value of a dependency that is defined before this one. */
  readonly use: Use;
  /** Adds what is to be done at shutdown, after the last job, or when `open` fails. The last addition comes first; each may take 5 s. */
  onClose(close: () => unknown): void;
  /**
   * Resolves to a pool of connections to DATABASE_URL; without one, to the database that runs inside the process, which works in the
   * role `all` only. The process closes it.
   * @throws StartError, which names DATABASE_URL, where processes need a database in common
   */
  database(): Promise<DatabasePool>;
}

/**
 * Opens a dependency, and returns its value. Called once in each process, before its workers start; called again when it rejects because
 * something could not be reached.
 */
export type OpenProvider<Settings = AnySettings> = (context: ProviderContext<Settings>) => unknown;

/** A function is short for `{ open }`. */
export type Provider<Settings = AnySettings> =
  | OpenProvider<Settings>
  | {
      readonly open: OpenProvider<Settings>;
      /**
       * Whether processes that run only the API open it too, for `resource.find`.
       * @default false
       */
      readonly api?: boolean;
    };

/** The value of a dependency. */
export type ValueOf<Definition> = Definition extends (context: never) => infer Value
  ? Awaited<Value>
  : Definition extends { open(context: never): infer Value }
    ? Awaited<Value>
    : never;

/** Thrown by `use` until a dependency is open. */
export class NotOpenError extends Error {
  override readonly name = 'NotOpenError';
}

/** Gives a dependency what it needs. */
export type ContextOf = (name: string) => Pick<ProviderContext, 'settings' | 'log' | 'database'>;

export interface Providers {
  readonly use: Use;
  /**
   * Opens, in their order, those that are not open yet. Call it again when it rejected because something could not be reached.
   * @param contextOf called once for each
   * @param describe makes the error of one
   */
  open(contextOf: ContextOf, describe?: (name: string, error: unknown) => unknown): Promise<void>;
  /** Closes those that are open, the last one first. Never rejects. */
  close(log: Logger): Promise<void>;
}

/**
 * The values of dependencies, by name.
 * @param isApi whether this process runs only the API
 */
export function createProviders(providers: Readonly<Record<string, Provider>>, isApi = false): Providers {
  const values = new Map<string, unknown>();
  const closers: { readonly name: string; close(): unknown }[] = [];

  const use: Use = <Value>(key: string | ProviderKey<Value>): Value => {
    const name = typeof key === 'string' ? key : key.name;
    if (!values.has(name)) throw notOpen(name);
    // The configuration's type, or the key's, says which value has the name.
    return values.get(name) as Value;
  };

  function notOpen(name: string): Error {
    const provider = Object.hasOwn(providers, name) ? providers[name] : undefined;
    if (provider === undefined) return new Error(`accepted.config.ts has no provider "${name}"`);
    if (isOpenedHere(provider, isApi)) return new NotOpenError(`the provider "${name}" is not open yet`);
    return new Error(`the provider "${name}" is opened by workers only; set api: true to open it in API processes too`);
  }

  /** Closes what was added after the first `count` closers. */
  async function closeDownTo(count: number, log: Logger): Promise<void> {
    for (const { name, close } of closers.splice(count).toReversed()) {
      try {
        const closed = (async () => close())();
        if (!(await settlesWithin(closed, CLOSE_MS))) log.warn({ provider: name }, 'a provider did not close in time');
      } catch (error) {
        log.warn({ provider: name, thrown: error }, 'a provider could not be closed');
      }
    }
  }

  return {
    use,
    async open(contextOf, describe = (_name, error) => error) {
      for (const [name, provider] of Object.entries(providers)) {
        if (values.has(name) || !isOpenedHere(provider, isApi)) continue;
        const open = typeof provider === 'function' ? provider : provider.open;
        const context = contextOf(name);
        const count = closers.length;
        const timer = setTimeout(() => {
          context.log.warn({ provider: name }, 'a provider is still opening; no job runs meanwhile');
        }, SLOW_OPEN_MS);
        try {
          const onClose = (close: () => unknown): void => void closers.push({ name, close });
          values.set(name, await open({ ...context, use, onClose }));
        } catch (error) {
          await closeDownTo(count, context.log);
          throw describe(name, error);
        } finally {
          clearTimeout(timer);
        }
      }
    },
    async close(log) {
      values.clear();
      await closeDownTo(0, log);
    },
  };
}

/** Whether a process opens a provider. */
export function isOpenedHere(provider: Provider, isApi: boolean): boolean {
  return !isApi || (typeof provider !== 'function' && provider.api === true);
}
