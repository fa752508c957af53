/**
 * What boards and other tools of BullMQ need to open the queues of job types.
 *
 * On Redis: `new Queue(queueName('thumbnail'), { prefix, connection })`. On PostgreSQL the queue has the name of the job type:
 * `new Queue('thumbnail', { connection: new Pool({ connectionString, options: postgresOptions }) }, createPostgresBackend)`.
 */
import { SEARCH_PATH } from './queue/postgres/pool.ts';
import { PREFIX } from './queue/redis/names.ts';

export { queueName } from './queue/redis/names.ts';

/** The `prefix` of all queues on Redis. */
export const prefix: string = PREFIX;

/** The `options` of a `pg.Pool` for the queues on PostgreSQL: their tables are in the schema `bullmq`. */
export const postgresOptions: string = SEARCH_PATH;
