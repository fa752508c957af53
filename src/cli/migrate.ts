/** `accepted migrate`: from one store to another, while no process uses them. */
import { QUEUE_SCHEMES, readStoreConfig } from '../config.ts';
import { withDeadline } from '../core/deadline.ts';
import { StartError } from '../core/start-error.ts';
import { createLogger } from '../observability/logger.ts';
import type { QueueBackend } from '../queue/backend.ts';
import { type Migrated, migrateJobs } from '../queue/migrate.ts';
import { connectQueue } from '../queue/wire-queue.ts';
import { isCreated } from '../stores/database.ts';
import { createEmbeddedStore } from '../stores/embedded-store.ts';
import { type Command, UsageError } from './command.ts';

const EMBEDDED = 'embedded';
/** The longest wait for a store to connect, in milliseconds. */
const CONNECT_MS = 10_000;
/** A line of progress is written at most so often, in milliseconds. */
const LINE_MS = 1000;

export const migrateCommand: Command = {
  options: {
    from: { value: 'STORE', description: 'embedded, which is the store in DATA_DIR, or a URL as in QUEUE_URL' },
    to: { value: 'URL', description: 'where the jobs are to be: a URL as in QUEUE_URL, of an empty store' },
  },
  details: `Stop all processes on both stores first. Waiting jobs and finished ones that have not expired are copied, with the secret that
access tokens and idempotency keys rest on; a job that was running waits. What is at --from stays there. Run it again after it was
interrupted: it copies what is missing.

Example: accepted migrate --from embedded --to redis://localhost:6379`,
  async run({ options: { from, to } }) {
    if (from === undefined || to === undefined) throw new UsageError('--from and --to are required');
    if (from !== EMBEDDED) requireUrl('--from', from);
    requireUrl('--to', to);
    if (from === to) throw new UsageError('--from and --to are the same store');
    const { DATA_DIR, JOB_RETENTION_SECONDS } = readStoreConfig();
    if (from === EMBEDDED && !isCreated(DATA_DIR)) throw new StartError(`DATA_DIR: there is no store in ${DATA_DIR}`);
    const embedded = createEmbeddedStore(DATA_DIR);
    const opened: QueueBackend[] = [];
    const open = async (option: string, url: string | undefined): Promise<QueueBackend> => {
      const backend = await ofOption(option, async () => {
        const connecting = connectQueue({ url, embedded: embedded.pool, logger: createLogger('warn') });
        opened.push(connecting);
        await withDeadline(connecting.connect(), CONNECT_MS);
        return connecting;
      });
      process.stdout.write(`${option.padEnd(6)}  ${backend.description}\n`);
      return backend;
    };
    try {
      if (from === EMBEDDED) await embedded.open();
      const total = await migrateJobs({
        from: await open('--from', from === EMBEDDED ? undefined : from),
        to: await open('--to', to),
        retentionMs: JOB_RETENTION_SECONDS * 1000,
        onProgress: createProgress(),
      });
      process.stdout.write(render(total));
      return 0;
    } finally {
      for (const backend of opened) await backend.close();
      await embedded.close();
    }
  },
};

function requireUrl(option: string, url: string): void {
  if (QUEUE_SCHEMES.some((scheme) => url.startsWith(`${scheme}//`))) return;
  throw new UsageError(
    `${option}: expected a URL that starts with ${QUEUE_SCHEMES.map((scheme) => `${scheme}//`).join(', ')}`,
  );
}

/** Errors of a store name QUEUE_URL, which is not where this URL is from. @throws StartError, also when the store cannot be reached */
async function ofOption<T>(option: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof StartError)
      throw new StartError(error.message.replace(/^QUEUE_URL/, option), { cause: error });
    if (!(error instanceof Error)) throw error;
    throw new StartError(`${option}: cannot be reached: ${error.message}`, { cause: error });
  }
}

function createProgress(): (type: string, total: Migrated) => void {
  let written = performance.now();
  return (type, { waiting, finished, known }) => {
    if (performance.now() - written < LINE_MS) return;
    written = performance.now();
    process.stdout.write(`${type}: ${waiting + finished} jobs copied so far, ${known} were there already\n`);
  };
}

function render({ waiting, finished, known, expired, omitted }: Migrated): string {
  const lines = [
    `copied ${waiting + finished} jobs: ${waiting} that wait, ${finished} that are finished`,
    ...(known > 0 ? [`${known} were there already`] : []),
    ...(expired > 0 ? [`${expired} had expired`] : []),
    ...(omitted > 0 ? [`${omitted} are parts of BullMQ's flows, and stay`] : []),
  ];
  return `${lines.join('\n')}\n`;
}
