import { setImmediate } from 'node:timers/promises';
import { MAX_OUTPUT_BYTES, MAX_PIECE_BYTES } from './output.ts';

/** What may wait to be stored, in bytes of JSON: a function that does not await its calls must not fill the memory. */
const MAX_WAITING_BYTES = 1_048_576;
/** What one step stores, because a store does nothing else meanwhile. */
const MAX_STORED_BYTES = 262_144;
const MAX_STORED_PIECES = 500;

/** Pieces of one run that are to be stored in one step. */
export interface OutputPieces {
  /** How many of this run were stored before. The store skips those that it has, so that a step may be repeated. */
  readonly from: number;
  /** JSON of each; none to mark the beginning of a further run only. */
  readonly pieces: readonly string[];
}

/**
 * Stores pieces behind those that the job has, after the mark of a further run where there are pieces of another one.
 * @returns how many of them the store has now: fewer where the job's output would be too large; undefined if the worker no longer has the job
 * @param isOver whether nobody waits for it any more, so that it is not tried again
 */
export type StoreOutput = (pieces: OutputPieces, isOver: () => boolean) => Promise<number | undefined>;

/** Writes the output of one run, in order. */
export interface OutputWriter {
  /** Marks the beginning of a further run, whether or not that has output. */
  begin(): void;
  /**
   * Resolves when the value is stored; rejects when the run is over.
   * @throws TypeError for a value that is not JSON; RangeError for one that is too large, where too much waits, and where the job has too much
   */
  write(value: unknown): Promise<void>;
  /** Resolves when all that was written is stored or refused; rejects if the store could not be reached, or the job is lost. */
  end(): Promise<void>;
  /**
   * Refuses what waits and what follows.
   * @returns resolves when the last step has ended
   */
  close(reason: Error): Promise<void>;
}

/** A piece that waits, to which text may still be joined. */
interface Waiting {
  json: string;
  bytes: number;
  readonly isText: boolean;
  readonly stored: PromiseWithResolvers<void>;
}

/** The error where another worker may have the job. */
export const LOST = new Error('the worker has lost the job');

/** @param store never called concurrently */
export function createOutputWriter(store: StoreOutput): OutputWriter {
  const waiting: Waiting[] = [];
  /** Of what waits and of what is being stored. */
  let waitingBytes = 0;
  /** What is being stored. */
  let taken: Waiting[] = [];
  /** Pieces of this run that are stored. */
  let count = 0;
  let storing: Promise<void> | undefined;
  let isFull = false;
  let closed: Error | undefined;
  let failure: Error | undefined;

  function take(): Waiting[] {
    let bytes = 0;
    const isBeyond = (each: Waiting, index: number): boolean =>
      index === MAX_STORED_PIECES || (bytes += each.bytes) > MAX_STORED_BYTES;
    const end = waiting.findIndex(isBeyond);
    return waiting.splice(0, end === -1 ? waiting.length : Math.max(1, end));
  }

  async function storeNext(): Promise<void> {
    taken = take();
    const kept = await store({ from: count, pieces: taken.map(({ json }) => json) }, () => closed !== undefined);
    if (kept === undefined) throw LOST;
    count += kept;
    for (const { stored } of taken.slice(0, kept)) stored.resolve();
    for (const { bytes } of taken) waitingBytes -= bytes;
    isFull ||= kept < taken.length;
    if (isFull) for (const { stored } of [...taken.slice(kept), ...waiting.splice(0)]) stored.reject(full());
    taken = [];
  }

  const isAnyWaiting = (): boolean => waiting.length > 0 && closed === undefined;

  async function storeAll(): Promise<void> {
    try {
      do await storeNext();
      while (isAnyWaiting());
      // What nobody awaits is reported as uncaught before this resolves, while the attempt can still fail of it.
      if (isFull) await setImmediate();
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      refuseAll(failure);
    }
    storing = undefined;
  }

  function refuseAll(reason: Error): void {
    closed ??= reason;
    for (const { stored } of [...taken, ...waiting.splice(0)]) {
      void unnoticed(stored.promise);
      stored.reject(closed);
    }
  }

  function add(json: string, isText: boolean): Promise<void> {
    const bytes = Buffer.byteLength(json);
    if (bytes > MAX_PIECE_BYTES)
      throw new RangeError(`job.output: a piece of ${bytes} bytes of JSON; the maximum is ${MAX_PIECE_BYTES}`);
    if (isFull) throw full();
    if (waitingBytes + bytes > MAX_WAITING_BYTES)
      throw new RangeError('job.output: too much waits to be stored; await each call');
    const last = waiting.at(-1);
    // Two texts of JSON, without the quotes between them, are one.
    const joined = isText && last?.isText === true ? last.bytes + bytes - 2 : Infinity;
    if (last !== undefined && joined <= MAX_PIECE_BYTES) {
      waitingBytes += joined - last.bytes;
      last.json = last.json.slice(0, -1) + json.slice(1);
      last.bytes = joined;
      return last.stored.promise;
    }
    const piece: Waiting = { json, bytes, isText, stored: Promise.withResolvers() };
    waiting.push(piece);
    waitingBytes += bytes;
    storing ??= storeAll();
    return piece.stored.promise;
  }

  return {
    begin() {
      storing ??= storeAll();
    },
    write(value) {
      if (closed !== undefined) return unnoticed(Promise.reject(closed));
      try {
        return add(toJson(value), typeof value === 'string');
      } catch (error) {
        return Promise.reject(error);
      }
    },
    async end() {
      await storing;
      if (failure !== undefined) throw failure;
    },
    async close(reason) {
      refuseAll(reason);
      await storing;
    },
  };
}

/** A promise whose rejection is not reported as uncaught: a run that is over has nobody who would have to know. */
function unnoticed(promise: Promise<void>): Promise<void> {
  promise.catch(() => undefined);
  return promise;
}

/** @throws TypeError */
function toJson(value: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (cause) {
    throw new TypeError('job.output: the value is not JSON', { cause });
  }
  if (json === undefined) throw new TypeError('job.output: the value is not JSON');
  return json;
}

function full(): RangeError {
  return new RangeError(`job.output: the job has as much output as it may have, ${MAX_OUTPUT_BYTES} bytes`);
}
