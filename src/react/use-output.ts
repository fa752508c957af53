import { useEffect, useState } from 'react';
import type { Client, JobReference, JobTypeMap, Name } from '../client/client.ts';
import { toError } from './job-state.ts';
import type { UseJobOptions } from './use-job.ts';

/** Milliseconds between two renders: as long as a screen shows a frame, however many pieces arrive meanwhile. */
const FRAME_MS = 16;

/** What a job's function has published so far. */
export interface FollowedOutput {
  /** The values of the latest run, oldest first. A further run, as after an attempt that failed, starts over. */
  readonly values: readonly unknown[];
  /** Whether this is all: the job is done. */
  readonly done: boolean;
  /** Why the rest cannot be read. */
  readonly error: Error | undefined;
}

const NOTHING: FollowedOutput = { values: [], done: false, error: undefined };

/**
 * Follows the output of a job until it is done or the component is unmounted, over a connection of its own. Output that is text is
 * `values.join('')`.
 * @param job a job, its id, or both its id and type; null or undefined while there is none
 */
export function useOutput<Types extends JobTypeMap<Types>>(
  client: Client<Types>,
  job: JobReference<Name<Types>> | null | undefined,
  options: UseJobOptions = {},
): FollowedOutput {
  const { accessToken } = options;
  const [seen, setSeen] = useState<{ client: Client<Types>; id: string; output: FollowedOutput }>();
  const id = typeof job === 'string' ? job : job?.id;

  useEffect(() => {
    if (id === undefined) return undefined;
    const stop = new AbortController();
    const { signal } = stop;
    const output = client.output(id, { accessToken, signal });
    let values: unknown[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = (end: Omit<FollowedOutput, 'values'>): void => {
      clearTimeout(timer);
      timer = undefined;
      if (!signal.aborted) setSeen({ client, id, output: { values: [...values], ...end } });
    };
    const follow = async (): Promise<void> => {
      try {
        for await (const piece of output) {
          if (piece.kind === 'attempt') values = [];
          else values.push(piece.value);
          timer ??= setTimeout(show, FRAME_MS, { done: false, error: undefined });
        }
        show({ done: true, error: undefined });
      } catch (error) {
        show({ done: false, error: toError(error) });
      }
    };
    void follow();
    return () => stop.abort();
  }, [client, id, accessToken]);

  return seen?.id === id && seen?.client === client ? seen.output : NOTHING;
}
