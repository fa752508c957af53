import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { withDeadline } from '../../core/deadline.ts';
import type { OutputPieces, StoreOutput } from '../../core/output/output-writer.ts';
import { isUnanswered } from '../circuit.ts';
import type { OutputRun } from '../stored-output.ts';

/** A step without an answer is given up after so many milliseconds, and tried again. */
const STEP_MS = 2000;
/** How often a step is tried again while the store is unavailable, and after how many milliseconds: for longer than a lock lasts. */
const MAX_TRIES = 30;
const TRY_AGAIN_MS = 300;

/** Stores the output of one run. A step may be repeated: the store skips what it has. */
export function createOutputStore(
  store: (run: OutputRun, pieces: OutputPieces) => Promise<number | undefined>,
  token: string,
  attempt: number,
): StoreOutput {
  let run: OutputRun | undefined;
  return async (pieces, isOver) => {
    // Most jobs have no output.
    run ??= { token, name: randomBytes(6).toString('base64url'), attempt };
    for (let tries = 1; ; tries += 1) {
      try {
        return await withDeadline(store(run, pieces), STEP_MS);
      } catch (error) {
        if (!isUnanswered(error) || tries === MAX_TRIES || isOver()) throw error;
        await delay(TRY_AGAIN_MS);
      }
    }
  };
}
