import { join } from 'node:path';
import { z } from 'zod';
import { runProcess } from '../processes.ts';

const requestSchema = z.object({
  method: z.enum(['GET', 'POST', 'DELETE']),
  path: z.string(),
  /** JSON. */
  body: z.string().optional(),
  /** Any other is an error, and so is a body without this text: GraphQL says 200 to much. */
  statuses: z.array(z.int()),
  contains: z.string(),
});

export type LoadRequest = z.output<typeof requestSchema>;

export type Expected = Pick<LoadRequest, 'statuses' | 'contains'>;

const shapeSchema = z.discriminatedUnion('kind', [
  /** As fast as the connections can, for so long. */
  z.object({ kind: z.literal('saturate'), warmUpSeconds: z.int(), seconds: z.int() }),
  /** So many requests a second, whether or not the replies to earlier ones are there. */
  z.object({ kind: z.literal('pace'), warmUpSeconds: z.int(), seconds: z.int(), perSecond: z.number() }),
]);

export const loadSpecSchema = z.object({
  url: z.string(),
  connections: z.int(),
  /** Sent in turn, again and again. What is expected of the first one's reply is expected of all. */
  requests: z.array(requestSchema).min(1),
  shape: shapeSchema,
});

export type LoadSpec = z.output<typeof loadSpecSchema>;
/** What is sent, and by how many. */
export type LoadTarget = Omit<LoadSpec, 'shape'>;

export function expectedOf({ requests: [first] }: LoadTarget): Expected {
  if (first === undefined) throw new Error('there is no request to send');
  return first;
}

export const loadResultSchema = z.object({
  perSecond: z.number(),
  /** Milliseconds. */
  p50: z.number(),
  p99: z.number(),
  /** What a request takes of the generator's CPU, in microseconds, where the system tells. */
  loadCpu: z.number().exactOptional(),
});

export type LoadResult = z.output<typeof loadResultSchema>;

/** Far longer than any load may take. */
const DEADLINE_MS = 600_000;

/** Runs a load in a process of its own. @throws Error when any reply is not what it should be */
export async function load(spec: LoadSpec): Promise<LoadResult> {
  const program = join(import.meta.dirname, 'load.ts');
  return loadResultSchema.parse(await runProcess([program], {}, DEADLINE_MS, JSON.stringify(spec)));
}
