import { readLines } from './lines.ts';
import type { Transport } from './transport.ts';

/** A piece of what a job's function publishes while it runs. */
export type Output = {
  /** From 1 in the whole job, over all its attempts. Each piece has the next number. */
  readonly sequence: number;
  /** The attempt that published it. */
  readonly attempt: number;
} & (
  | { readonly kind: 'value'; readonly value: unknown }
  /** The beginning of a further run, as when an attempt failed or lost its worker: what came before is not of this run. */
  | { readonly kind: 'attempt' }
);

export interface ReadOutputOptions {
  /** Path of the job. */
  readonly path: string;
  readonly after: number;
  readonly signal: AbortSignal | undefined;
  readonly silenceSeconds: number;
}

/**
 * Yields the output of a job as it is published, until the job is done.
 * @throws ProblemError; the error of `fetch`; the signal's reason
 */
export function readOutput(
  transport: Transport,
  { path, after, ...options }: ReadOutputOptions,
): AsyncGenerator<Output, void> {
  return readLines<Output>(transport, {
    ...options,
    pathAfter: (last, isLive) => `${path}/output?after=${last}&follow=${isLive}`,
    placeOf: ({ sequence }) => sequence,
    last: after,
  });
}
