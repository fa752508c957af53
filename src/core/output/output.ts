/** What a job's function publishes while it runs. */
import { z } from 'zod';

/** The largest piece, in bytes of its JSON: 64 KiB. Text is joined up to that size. */
export const MAX_PIECE_BYTES = 65_536;
/** The most output of one job, over all its attempts: 16 MiB. */
export const MAX_OUTPUT_BYTES = 16_777_216;
/** A smaller piece counts as so many bytes, which bounds the number of pieces too: it costs a store about as much. */
export const MIN_COUNTED_BYTES = 64;

/** A piece of output, as every store keeps it. */
export interface OutputPiece {
  /** 1 for the first piece of the job. Each further one, over all attempts, has the next number. */
  readonly sequence: number;
  /** Of the run that published it. */
  readonly attempt: number;
  /** JSON of the value. Undefined for a mark: the function begins anew, so what came before is of a run that did not succeed. */
  readonly json: string | undefined;
}

/** A piece as callers read it. */
export const outputSchema = z
  .object({
    sequence: z
      .int()
      .min(1)
      .describe(
        'From 1 in the whole job, over all its attempts. Each piece has the next number, the same on every channel.',
      ),
    attempt: z.int().min(1).describe('The attempt that published it.'),
    kind: z
      .enum(['value', 'attempt'])
      .describe(
        'A published value; or the beginning of a further run, as when an attempt failed or lost its worker: what came before is not of this run.',
      ),
    value: z.unknown().optional().describe('What the function published: any JSON value. Missing in other kinds.'),
  })
  .meta({ id: 'JobOutput', description: "A piece of a job's output." });
export type Output = z.output<typeof outputSchema>;

/** A piece as a line of JSON, without parsing its value. */
export function toOutputJson({ sequence, attempt, json }: OutputPiece): string {
  const kind = json === undefined ? '"attempt"' : `"value","value":${json}`;
  return `{"sequence":${sequence},"attempt":${attempt},"kind":${kind}}`;
}

export function toOutput({ sequence, attempt, json }: OutputPiece): Output {
  if (json === undefined) return { sequence, attempt, kind: 'attempt' };
  const value: unknown = JSON.parse(json);
  return { sequence, attempt, kind: 'value', value };
}

/** The largest sequence that a reader may name, which is more than a job can have. */
const MAX_SEQUENCE = 2 ** 31 - 1;
/** The last piece that a reader has; 0: none. */
export const afterSchema = z.int().min(0).max(MAX_SEQUENCE);
