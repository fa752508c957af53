import { useEffect, useState } from 'preact/hooks';
import { useServer } from '../context.ts';
import type { JobData } from '../../session.ts';
import { type Failure, toFailure } from './failure.ts';
import { type JobDetailsFragment, JobUpdatesDocument } from './generated/graphql.ts';
import { follow } from './stream.ts';

export type JobDetails = JobDetailsFragment;

/** A progress message that came while the page was open. */
export interface SeenMessage {
  readonly at: string;
  readonly attempt: number;
  readonly percent: number;
  readonly text: string;
}

/** Messages that are kept; a job may send any number. */
const MAX_MESSAGES = 200;

export interface FollowedJob {
  readonly job: JobDetails | undefined;
  readonly messages: readonly SeenMessage[];
  readonly data: JobData | undefined;
  readonly failure: Failure | undefined;
  readonly live: boolean;
  /** Shows a state that an action returned, and follows the job again. */
  show(job: JobDetails): void;
}

/** A job and its changes. Its input and result are read once, and again when it is done. */
export function useJob(id: string): FollowedJob {
  const server = useServer();
  const [job, setJob] = useState<JobDetails>();
  const [messages, setMessages] = useState<readonly SeenMessage[]>([]);
  const [data, setData] = useState<JobData>();
  const [failure, setFailure] = useState<Failure>();
  const [live, setLive] = useState(true);
  /** Counts the times that the job is followed anew, as a stream ends with the job. */
  const [round, setRound] = useState(0);

  useEffect(
    () =>
      follow(
        server,
        JobUpdatesDocument,
        { id },
        {
          onValue({ jobUpdates }) {
            setJob(jobUpdates);
            setMessages((seen) => withMessage(seen, jobUpdates));
          },
          onLive: setLive,
          onEnd(ended) {
            setLive(true);
            if (ended !== undefined) setFailure(ended);
          },
        },
      ),
    [server, id, round],
  );

  const done = job?.done === true;
  const found = job !== undefined;
  useEffect(() => {
    if (!found) return undefined;
    let left = false;
    server.jobData(id).then(
      (read) => left || setData(read),
      (error: unknown) => left || setFailure(toFailure(error)),
    );
    return () => {
      left = true;
    };
  }, [server, id, found, done]);

  return {
    job,
    messages,
    data,
    failure,
    live,
    show(changed) {
      setJob(changed);
      setRound((before) => before + 1);
    },
  };
}

function withMessage(seen: readonly SeenMessage[], job: JobDetails): readonly SeenMessage[] {
  const last = seen.at(-1);
  const { message: text, percentComplete: percent, attempt, lastUpdatedAt: at } = job;
  if (text === null || job.status !== 'RUNNING') return seen;
  if (last?.text === text && last.attempt === attempt) return seen;
  return [...seen.slice(1 - MAX_MESSAGES), { at, attempt, percent, text }];
}
