/** What a project's `accepted.config.ts` provides to its jobs, with the database that it may use. */
import { type Config, parseSettings } from './config.ts';
import { settlesWithin } from './core/deadline.ts';
import type { Logger } from './core/ports.ts';
import { type DatabasePool, createProviders, isOpenedHere } from './core/providers.ts';
import type { Use } from './core/register.ts';
import { StartError } from './core/start-error.ts';
import type { Project } from './project.ts';
import type { EmbeddedStore } from './stores/embedded-store.ts';
import { createPostgresPool, toDatabasePool, toStartError } from './stores/postgres-pool.ts';

/** The longest wait for the database to close its connections at shutdown, in milliseconds. */
const CLOSE_MS = 2000;
/** The most connections of a process to DATABASE_URL. */
const DATABASE_CONNECTIONS = 4;

/** The database of the project's dependencies, opened when the first one asks for it. */
export interface LazyDatabase {
  /** The one that says where it is. */
  readonly setting: 'DATABASE_URL' | 'QUEUE_URL' | 'DATA_DIR';
  pool(): Promise<DatabasePool>;
  close(): Promise<void>;
}

/** @throws StartError, which names DATABASE_URL, when it is invalid */
export function openDatabaseOf({ DATABASE_URL, role, environment }: Config, embedded: EmbeddedStore): LazyDatabase {
  if (DATABASE_URL === undefined) {
    return {
      setting: 'DATA_DIR',
      async pool() {
        if (role !== 'all') {
          throw new StartError(
            `DATABASE_URL: the role ${role} needs a database shared between processes; set it to postgres://…, or run both roles in one process`,
          );
        }
        await embedded.open();
        return embedded.pool;
      },
      close: async () => undefined,
    };
  }
  const pool = createPostgresPool(DATABASE_URL, 'DATABASE_URL', { max: DATABASE_CONNECTIONS, query_timeout: 10_000 });
  return {
    setting: environment['DATABASE_URL'] === undefined ? 'QUEUE_URL' : 'DATABASE_URL',
    pool: async () => toDatabasePool(pool),
    close: async () => void (await settlesWithin(pool.end(), CLOSE_MS)),
  };
}

/** @throws StartError with a line for each of the project's own settings that is not valid */
export function createProjectProviders(
  { role, environment }: Config,
  { config: { providers = {}, settings: schema } }: Project,
  logger: Logger,
  database: LazyDatabase,
): { readonly use: Use; open(): Promise<void>; close(): Promise<void> } {
  const isApi = role === 'api';
  const { use, open, close } = createProviders(providers, isApi);
  const needsSettings = !isApi || Object.values(providers).some((provider) => isOpenedHere(provider, isApi));
  const settings = schema && needsSettings ? parseSettings(schema, environment) : {};
  /** What the error of the provider that is being opened names. */
  let about = '';
  return {
    use,
    open: () =>
      open(
        (name) => {
          about = `provider "${name}"`;
          return {
            settings,
            log: logger.child({ provider: name }),
            database() {
              about = database.setting;
              return database.pool();
            },
          };
        },
        (_name, error) => toStartError(about, error),
      ),
    close: () => close(logger),
  };
}
