/** Checking the items of a batch, each by itself. */
import type { JobType } from '../define-job.ts';
import { ServiceError } from '../errors.ts';
import type { SubmittedFiles } from '../files/submit-files.ts';
import { invalidInput, parseSubmission } from '../input/parse-input.ts';
import { fingerprintOf } from '../service/submit.ts';

/** Milliseconds for which items are checked before others have their turn. */
const SLICE_MS = 5;
/** The most issues of all items together, beyond which an error has its first one in its text alone. */
const MAX_BATCH_ISSUES = 1000;

export interface CheckedItem {
  /** The input to store, if it is valid. */
  readonly input?: { readonly storable: unknown };
  /** Those in the input; undefined for a type without any. */
  readonly files?: SubmittedFiles;
  readonly error?: ServiceError;
  /** Identifies the input, for a batch with an idempotency key. */
  readonly fingerprint: string;
}

/**
 * Checks each item by the type's schema, in slices of time: of all batches that a process checks, one has a slice in each turn of the event loop.
 * @param isKeyed whether fingerprints are needed
 * @param findFiles finds the files of an item; undefined for a type without any
 */
export async function checkItems(
  type: JobType,
  items: readonly unknown[],
  isKeyed: boolean,
  findFiles?: (input: unknown) => Promise<SubmittedFiles>,
): Promise<readonly CheckedItem[]> {
  const checked: CheckedItem[] = [];
  let issues = MAX_BATCH_ISSUES;
  let until = -Infinity;
  /** Waits for nothing where there are no files. */
  const check = (item: unknown): CheckedItem | Promise<CheckedItem> =>
    findFiles === undefined ? checkItem(type, item, isKeyed) : checkWithFiles(type, item, isKeyed, findFiles);
  for (const item of items) {
    if (performance.now() > until) {
      await nextTurn();
      until = performance.now() + SLICE_MS;
    }
    const { error, ...rest } = await check(item);
    if (error === undefined) checked.push(rest);
    else {
      const shown = new ServiceError(error.problem, error.message, { issues: error.issues.slice(0, issues) });
      issues -= shown.issues.length;
      checked.push({ ...rest, error: shown });
    }
  }
  return checked;
}

async function checkWithFiles(
  type: JobType,
  item: unknown,
  isKeyed: boolean,
  findFiles: (input: unknown) => Promise<SubmittedFiles>,
): Promise<CheckedItem> {
  const fingerprint = isKeyed ? fingerprintOf(item, null) : '';
  try {
    const files = await findFiles(item);
    if (files.issues.length > 0) return { error: invalidInput(files.issues), fingerprint };
    return { ...checkItem(type, files.input, false), files, fingerprint };
  } catch (error) {
    if (!(error instanceof ServiceError) || error.problem !== 'invalid-input') throw error;
    return { error, fingerprint };
  }
}

function checkItem(type: JobType, item: unknown, isKeyed: boolean): CheckedItem {
  const fingerprint = (parsed?: unknown): string => (isKeyed ? fingerprintOf(item, parsed ?? null) : '');
  try {
    const { parsed, storable } = parseSubmission(type, item);
    return { input: { storable }, fingerprint: fingerprint(parsed) };
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return { error, fingerprint: fingerprint() };
  }
}

/**
 * The error for a batch without a valid item.
 * @param path where the items are
 */
export function noneIsValid(checked: readonly CheckedItem[], path: readonly string[]): ServiceError {
  return invalidInput(
    checked.flatMap(({ error }, index) =>
      (error?.issues ?? []).map((issue) => ({ message: issue.message, path: [...path, index, ...issue.path] })),
    ),
  );
}

/** What waits for a slice of this process. */
const waiting: (() => void)[] = [];

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(runNext);
  });
}

function runNext(): void {
  // It stays in the list until its slice is over, so that no second one begins.
  waiting[0]?.();
  setImmediate(() => {
    waiting.shift();
    if (waiting.length > 0) runNext();
  });
}
