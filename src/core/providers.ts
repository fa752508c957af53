/** Dependencies of job functions, such as a mailer or a pool of connections: opened once in each process, and closed with it. */
import { settlesWithin } from './deadline.ts';
import type { Logger } from './ports.ts';
import type { ProviderKey, Use } from './register.ts';

/** The longest wait for one dependency to close, in milliseconds. */
const CLOSE_MS = 5000;

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
  /**
   * Resolves to a pool of connections to DATABASE_URL; without one, to the database that runs inside the process, which works in the
   * role `all` only. The process closes it.
   * @throws StartError, which names DATABASE_URL, where processes need a database in common
   */
  database(): Promise<DatabasePool>;
}

/** A dependency, and how to open and close it. */
export interface ProviderDefinition<Value, Settings = AnySettings> {
  /**
   * Opens the dependency. Called once in each process, before its workers start; called again when it rejects because something could
   * not be reached.
   */
  open(context: ProviderContext<Settings>): Value | Promise<Value>;
  /** Closes it at shutdown, after the last job; within 5 s. @default its `Symbol.asyncDispose` or `Symbol.dispose`, if it has one */
  close?(value: Value): unknown;
  /**
   * Whether processes that run only the API open it too, for `resource.find`.
   * @default false
   */
  readonly api?: boolean;
}

/** A function is short for `{ open }`. */
export type Provider<Value, Settings = AnySettings> =
  | ((context: ProviderContext<Settings>) => Value | Promise<Value>)
  | ProviderDefinition<Value, Settings>;

/** Thrown by `use` until a dependency is open. */
export class NotOpenError extends Error {
  override readonly name = 'NotOpenError';
}

/** Runs the function that opens a dependency. */
export type OpenProvider = (name: string, open: (context: Omit<ProviderContext, 'use'>) => unknown) => Promise<unknown>;

export interface Providers {
  readonly use: Use;
  /** Opens, in their order, those that are not open yet. Call it again when it rejected because something could not be reached. */
  open(run: OpenProvider): Promise<void>;
  /** Closes those that are open, the last one first. Never rejects. */
  close(log: Logger): Promise<void>;
}

/**
 * The values of dependencies, by name.
 * @param isOpened whether this process opens a dependency
 */
export function createProviders(
  providers: Readonly<Record<string, Provider<unknown>>>,
  isOpened: (definition: ProviderDefinition<unknown>) => boolean = () => true,
): Providers {
  const values = new Map<string, unknown>();
  const definitions = Object.entries(providers)
    .map(([name, provider]) => ({ name, ...toDefinition(provider) }))
    .filter(isOpened);

  const use: Use = <Value>(key: string | ProviderKey<Value>): Value => {
    const name = typeof key === 'string' ? key : key.name;
    if (!values.has(name)) throw notOpen(name);
    // The configuration's type, or the key's, says which value has the name.
    return values.get(name) as Value;
  };

  function notOpen(name: string): Error {
    if (definitions.some((definition) => definition.name === name))
      return new NotOpenError(`the provider "${name}" is not open yet`);
    if (Object.hasOwn(providers, name))
      return new Error(
        `the provider "${name}" is opened by workers only; set api: true to open it in API processes too`,
      );
    return new Error(`accepted.config.ts has no provider "${name}"`);
  }

  return {
    use,
    async open(run) {
      for (const { name, open } of definitions) {
        if (!values.has(name)) values.set(name, await run(name, (context) => open({ ...context, use })));
      }
    },
    async close(log) {
      for (const { name, close = dispose } of definitions.toReversed()) {
        if (!values.has(name)) continue;
        const value = values.get(name);
        values.delete(name);
        try {
          const closed = (async () => close(value))();
          if (!(await settlesWithin(closed, CLOSE_MS)))
            log.warn({ provider: name }, 'a provider did not close in time');
        } catch (error) {
          log.warn({ provider: name, thrown: error }, 'a provider could not be closed');
        }
      }
    },
  };
}

function toDefinition(provider: Provider<unknown>): ProviderDefinition<unknown> {
  return typeof provider === 'function' ? { open: provider } : provider;
}

function dispose(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  const { [Symbol.asyncDispose]: disposeAsync, [Symbol.dispose]: disposeSync }: Partial<AsyncDisposable & Disposable> =
    value;
  return disposeAsync === undefined ? disposeSync?.call(value) : disposeAsync.call(value);
}
