/** The files that a function returned. */
import type { JobType } from '../define-job.ts';
import type { AttemptFiles } from './attempt-files.ts';
import { type StoredFile, filesIn } from './file-ref.ts';

/** The result with what is known of its files, of which others could only be guessed; undefined if it has a file that is not the job's. */
export function withOwnFiles(
  type: Pick<JobType, 'input' | 'result'>,
  result: unknown,
  input: unknown,
  files: AttemptFiles | undefined,
): { readonly result: unknown } | undefined {
  const map = filesIn(type.result);
  if (map === undefined) return { result };
  const ofInput = new Map<unknown, StoredFile>();
  // What was accepted has been completed by the API.
  filesIn(type.input)?.(input, (file) => ofInput.set(Object(file).id, file as StoredFile));
  let isOwn = true;
  const completed = map(result, (file) => {
    const { id }: { id?: unknown } = Object(file);
    const known = files?.get(String(id)) ?? ofInput.get(id);
    isOwn &&= known !== undefined;
    return known;
  });
  return isOwn ? { result: completed } : undefined;
}

/** The ids of the files in a result. */
export function fileIdsIn(type: Pick<JobType, 'result'>, result: unknown): ReadonlySet<string> {
  const ids = new Set<string>();
  filesIn(type.result)?.(result, (file) => ids.add(Object(file).id));
  return ids;
}
