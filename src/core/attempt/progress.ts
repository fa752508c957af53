/** Writes of one attempt's progress that need not be spaced out. */
const BURST = 10;
/** Milliseconds between two writes after that. */
const INTERVAL_MS = 100;

export interface Progress {
  readonly percentComplete: number;
  readonly message: string | null;
}

/** Writes one attempt's progress, rate-limited to protect the store and the readers of its events. */
export interface ProgressWriter {
  /** Resolves when the progress is written, or immediately when it is held back. Of what is held back, the latest is written later. */
  write(progress: Progress): Promise<void>;
  /** Writes what is held back. */
  end(): Promise<void>;
}

/** @param store never called concurrently; never rejects */
export function createProgressWriter(store: (progress: Progress) => Promise<void>): ProgressWriter {
  let held: Progress | undefined;
  let writing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  /** The end of the last interval that a write has used up; it runs ahead of the clock during a burst. */
  let paidUntil = 0;
  let ended = false;

  const waitMs = (): number => Math.max(0, paidUntil - performance.now() - (BURST - 1) * INTERVAL_MS);

  function writeHeld(): Promise<void> | undefined {
    if (held === undefined) return undefined;
    const progress = held;
    held = undefined;
    paidUntil = Math.max(performance.now(), paidUntil) + INTERVAL_MS;
    writing = store(progress).finally(() => {
      writing = undefined;
      if (held !== undefined && !ended) schedule();
    });
    return writing;
  }

  function schedule(): void {
    timer ??= setTimeout(() => {
      timer = undefined;
      if (writing === undefined) void writeHeld();
    }, waitMs());
  }

  return {
    async write(progress) {
      held = progress;
      if (writing !== undefined) return;
      if (waitMs() === 0) await writeHeld();
      else schedule();
    },
    async end() {
      ended = true;
      clearTimeout(timer);
      await writing;
      await writeHeld();
    },
  };
}
