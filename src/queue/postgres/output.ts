/** Output of jobs on PostgreSQL. */
import { z } from 'zod';
import { MAX_OUTPUT_BYTES, MIN_COUNTED_BYTES, type OutputPiece } from '../../core/output/output.ts';
import type { OutputPieces } from '../../core/output/output-writer.ts';
import { type OutputRun, PAGE_BYTES, PAGE_PIECES, type StoredOutput } from '../stored-output.ts';
import { STATEMENTS, type Statement } from './statements.ts';

type Run = (statement: Statement, parameters: unknown[]) => Promise<readonly unknown[]>;

const storedSchema = z.tuple([z.object({ stored: z.number() })]);
const rowSchema = z.object({
  name: z.string(),
  added_at_ms: z.number(),
  finished_at_ms: z.number().nullable(),
  retention_ms: z.number().nullable(),
  sequence: z.number().nullable(),
  attempt: z.number().nullable(),
  json: z.string().nullable(),
  has_more: z.boolean().nullable(),
});

/** @returns undefined if there is no such job */
export async function readOutput(run: Run, type: string, id: string, after: number): Promise<StoredOutput | undefined> {
  const rows = await run(STATEMENTS.readOutput, [type, id, after, PAGE_BYTES, PAGE_PIECES]);
  const parsed = rows.map((row) => rowSchema.parse(row));
  const last = parsed.at(-1);
  return (
    last && {
      caller: last.name,
      createdAt: last.added_at_ms,
      finishedAt: last.finished_at_ms,
      retentionMs: last.retention_ms,
      pieces: parsed.flatMap(({ sequence, attempt, json }) =>
        sequence === null || attempt === null ? [] : [{ sequence, attempt, json: json ?? undefined }],
      ),
      hasMore: last.has_more === true,
    }
  );
}

/** @returns how many of the pieces are stored; undefined if the worker no longer has the job */
export async function storeOutput(
  run: Run,
  type: string,
  id: string,
  { token, name, attempt }: OutputRun,
  { from, pieces }: OutputPieces,
): Promise<number | undefined> {
  const parameters = [type, id, token, name, attempt, from, pieces, MAX_OUTPUT_BYTES, MIN_COUNTED_BYTES];
  const [{ stored }] = storedSchema.parse(await run(STATEMENTS.storeOutput, parameters));
  return stored === -1 ? undefined : stored;
}

/** Adds output of another store, but for what the job has already. */
export async function addOutput(run: Run, type: string, id: string, pieces: readonly OutputPiece[]): Promise<void> {
  const columns = [
    pieces.map(({ sequence }) => sequence),
    pieces.map(({ attempt }) => attempt),
    pieces.map(({ json }) => json ?? null),
  ];
  await run(STATEMENTS.addOutput, [type, id, ...columns, MIN_COUNTED_BYTES]);
}
