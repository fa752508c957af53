import { type Caller, canSee, requireJobAccess } from '../access/caller.ts';
import type { JobIds } from '../access/job-ids.ts';
import { jobExpired, jobNotFound } from '../errors.ts';
import { typeOfJobId } from '../job-id.ts';
import type { Job } from '../job.ts';
import type { JobEvents, JobQueue, OutputPage } from '../ports.ts';
import { type JobNews, followOutput, withOutput } from './follow-output.ts';
import type { OutputPiece } from './output.ts';

/** What callers may ask for of a job's output. */
export interface OutputService {
  /**
   * Reads a part of a job's output, of limited size.
   * @param after the sequence of the last piece that the caller has; 0: none
   * @throws ServiceError `not-found`
   */
  readOutput(id: string, caller: Caller, after: number): Promise<OutputPage>;
  /**
   * Yields a job's output after a sequence, in parts, until the job is done.
   * @throws ServiceError `not-found`
   */
  watchOutput(
    id: string,
    caller: Caller,
    after: number,
    signal: AbortSignal,
  ): AsyncGenerator<readonly OutputPiece[], void, void>;
  /**
   * Yields the job as it is, for the caller to look at; then what happens to it from that state on, with its output. The final state comes last.
   * @param after the sequence after which the output begins; undefined: without output
   * @throws ServiceError `not-found`
   */
  watchNews(
    id: string,
    caller: Caller,
    after: number | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<JobNews, void, void>;
}

export interface OutputServiceOptions {
  readonly queue: JobQueue;
  readonly events: JobEvents;
  readonly jobIds: JobIds;
  isType(name: string | undefined): name is string;
  watchStates(id: string, caller: Caller, signal: AbortSignal, onOutput: () => void): AsyncGenerator<Job, void, void>;
  /** Logs what an admin does with a job of another caller. */
  audit(action: string, job: Pick<Job, 'id' | 'caller'>, caller: Caller): void;
  untilStopping(signal: AbortSignal): AbortSignal;
}

export function createOutputService(options: OutputServiceOptions): OutputService {
  const { queue, events, jobIds, isType, watchStates, audit, untilStopping } = options;

  const isExpired = ({ expiresAt, type }: OutputPage): boolean =>
    expiresAt !== undefined && expiresAt.getTime() <= queue.now(type);

  async function find(id: string, caller: Caller, after: number): Promise<OutputPage> {
    requireJobAccess(caller, id, 'read');
    const type = typeOfJobId(id);
    if (!isType(type)) throw jobNotFound();
    const page = await queue.readOutput(id, type, after);
    const isSeen = page !== undefined && canSee(caller, page);
    if (isSeen && !isExpired(page)) return page;
    throw isSeen || (await jobIds.hasExpired(id, caller)) ? jobExpired() : jobNotFound();
  }

  /** The first part of a job's output tells whether there is such a job; a later one may find it removed. */
  function follow(
    { id, caller, after }: { readonly id: string; readonly caller: Caller; readonly after: number },
    signal: AbortSignal,
    { onFound, isOver }: { onFound?: (page: OutputPage) => void; isOver?: () => boolean } = {},
  ) {
    let type: string | undefined;
    const read = async (last: number): Promise<OutputPage | undefined> => {
      const page = type === undefined ? await find(id, caller, last) : await queue.readOutput(id, type, last);
      if (page === undefined || !canSee(caller, page) || isExpired(page)) return undefined;
      if (type === undefined) onFound?.(page);
      type = page.type;
      return page;
    };
    return followOutput({ id, events, read }, after, signal, isOver);
  }

  return {
    async readOutput(id, caller, after) {
      const page = await find(id, caller, after);
      audit('read', page, caller);
      return page;
    },
    watchOutput: (id, caller, after, signal) =>
      follow({ id, caller, after }, untilStopping(signal), { onFound: (page) => audit('read', page, caller) }),
    watchNews: (id, caller, after, signal) =>
      withOutput(
        untilStopping(signal),
        (onOutput, until) => watchStates(id, caller, until, onOutput),
        after === undefined ? undefined : (isOver, until) => follow({ id, caller, after }, until, { isOver }),
      ),
  };
}
