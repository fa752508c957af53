/** Output of a job, as stores read and write it. */
import type { OutputPiece } from '../core/output/output.ts';
import type { OutputPage } from '../core/ports.ts';

/** A part that is read in one step: its bytes of JSON, of which one piece may have more, and its pieces. */
export const PAGE_BYTES = 262_144;
export const PAGE_PIECES = 1000;

/** A part of a job's output, with what says who may read it and whether there will be more. Times are milliseconds since 1970. */
export interface StoredOutput {
  readonly caller: string;
  readonly createdAt: number;
  readonly finishedAt: number | null;
  /** How long the job is kept when it is finished; null for one that does not say. */
  readonly retentionMs: number | null;
  readonly pieces: readonly OutputPiece[];
  readonly hasMore: boolean;
}

/** One run of a job's function. */
export interface OutputRun {
  /** Of the worker's lock. */
  readonly token: string;
  /** Different for each run. */
  readonly name: string;
  readonly attempt: number;
}

/** @param ownRetentionMs of a finished job that does not say how long it is kept */
export function toOutputPage(id: string, type: string, stored: StoredOutput, ownRetentionMs: number): OutputPage {
  const { caller, createdAt, finishedAt, retentionMs, pieces, hasMore } = stored;
  return {
    id,
    type,
    caller,
    createdAt: new Date(createdAt),
    pieces,
    hasMore,
    expiresAt: finishedAt === null ? undefined : new Date(finishedAt + (retentionMs ?? ownRetentionMs)),
  };
}
