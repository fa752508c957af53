/** Output of jobs on Redis. */
import { z } from 'zod';
import { MAX_OUTPUT_BYTES, MIN_COUNTED_BYTES, type OutputPiece } from '../../core/output/output.ts';
import type { OutputPieces } from '../../core/output/output-writer.ts';
import { type OutputRun, PAGE_BYTES, PAGE_PIECES, type StoredOutput } from '../stored-output.ts';
import type { RedisClient } from './client.ts';
import { prefixOf } from './names.ts';
import { SCRIPTS, runScript } from './scripts.ts';

const optionsSchema = z.object({ retentionMs: z.number().nullable().catch(null) });
const pageSchema = z
  .tuple([z.string(), z.coerce.number(), z.string().nullable(), z.string(), z.array(z.string()), z.number()])
  .nullable();

/** @returns undefined if there is no such job */
export async function readOutput(
  client: RedisClient,
  type: string,
  id: string,
  after: number,
): Promise<StoredOutput | undefined> {
  const reply = await runScript(client, SCRIPTS.readOutput, prefixOf(type), id, after, PAGE_BYTES, PAGE_PIECES);
  const page = pageSchema.parse(reply);
  if (page === null) return undefined;
  const [caller, createdAt, finishedOn, options, texts, more] = page;
  return {
    caller,
    createdAt,
    finishedAt: finishedOn === null ? null : Number(finishedOn),
    retentionMs: optionsSchema.parse(JSON.parse(options)).retentionMs,
    pieces: texts.map((text, index) => toPiece(text, after + index + 1)),
    hasMore: more === 1,
  };
}

function toPiece(text: string, sequence: number): OutputPiece {
  const end = text.indexOf('\n');
  return { sequence, attempt: Number(text.slice(0, end)), json: text.slice(end + 1) || undefined };
}

/** @returns how many of the pieces are stored; undefined if the worker no longer has the job */
export async function storeOutput(
  client: RedisClient,
  type: string,
  id: string,
  { token, name, attempt }: OutputRun,
  { from, pieces }: OutputPieces,
): Promise<number | undefined> {
  const args = [id, token, name, attempt, from, MAX_OUTPUT_BYTES, MIN_COUNTED_BYTES];
  const stored = Number(await runScript(client, SCRIPTS.storeOutput, prefixOf(type), ...args, ...pieces));
  return stored === -1 ? undefined : stored;
}

/** Adds output of another store, but for what the job has already. */
export async function addOutput(
  client: RedisClient,
  type: string,
  id: string,
  pieces: readonly OutputPiece[],
): Promise<void> {
  const texts = pieces.map(({ attempt, json = '' }) => `${attempt}\n${json}`);
  const args = [id, pieces[0]?.sequence ?? 1, MIN_COUNTED_BYTES];
  await runScript(client, SCRIPTS.addOutput, prefixOf(type), ...args, ...texts);
}
