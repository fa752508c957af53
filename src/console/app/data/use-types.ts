import { useEffect, useState } from 'preact/hooks';
import { useServer } from '../context.ts';
import { type Failure, toFailure } from './failure.ts';
import { AnyJobChangeDocument, JobTypesDocument, type TypeStatsFragment } from './generated/graphql.ts';
import { follow } from './stream.ts';

export type TypeStats = TypeStatsFragment;

/** Milliseconds from a change to the read that shows it, which collects what changes meanwhile. */
const COLLECT_MS = 2000;
/** Milliseconds after a change for which its end may not be counted yet: workers store their counts once a second. */
const LATE_MS = 1500;
/** Milliseconds between two reads without a change, where figures of a last minute, hour or day age. */
const AGE_MS = 60_000;

export interface TypeList {
  readonly types: readonly TypeStats[] | undefined;
  readonly failure: Failure | undefined;
  /** Whether changes arrive as they happen. */
  readonly live: boolean;
  /** Shows what an action returned. */
  show(changed: TypeStats): void;
}

/** How the job types do. They are read anew when jobs have changed, while the page is seen. */
export function useTypes(): TypeList {
  const server = useServer();
  const [types, setTypes] = useState<readonly TypeStats[]>();
  const [failure, setFailure] = useState<Failure>();
  const [live, setLive] = useState(true);
  useEffect(() => {
    let left = false;
    let reading = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    /** When the next read is due, and from when on a read shows all that has changed. */
    let [dueAt, settledAt] = [Infinity, 0];

    const readIn = (ms: number): void => {
      if (left || reading || Date.now() + ms >= dueAt) return;
      clearTimeout(timer);
      dueAt = Date.now() + ms;
      timer = setTimeout(() => void read(), ms);
    };

    async function read(): Promise<void> {
      // A hidden page reads again when it becomes visible.
      if (document.visibilityState !== 'visible') return;
      reading = true;
      clearTimeout(timer);
      dueAt = Infinity;
      const readAt = Date.now();
      let next = AGE_MS;
      try {
        const { jobTypes } = await server.query(JobTypesDocument, {});
        if (left) return;
        setTypes(jobTypes);
        setFailure(undefined);
        if (!jobTypes.some(ages)) next = Infinity;
      } catch (error) {
        if (left) return;
        setFailure(toFailure(error));
        next = COLLECT_MS;
      }
      reading = false;
      readIn(readAt < settledAt ? COLLECT_MS : next);
    }

    const end = follow(
      server,
      AnyJobChangeDocument,
      {},
      {
        onValue() {
          settledAt = Date.now() + LATE_MS;
          readIn(COLLECT_MS);
        },
        onLive(isLive) {
          setLive(isLive);
          if (!isLive) return;
          // Jobs may have ended just before.
          settledAt = Date.now() + LATE_MS;
          readIn(0);
        },
        onEnd(ended) {
          setLive(false);
          if (ended !== undefined) setFailure(ended);
        },
      },
    );
    const onSeen = (): void => void (dueAt <= Date.now() && !reading && read());
    document.addEventListener('visibilitychange', onSeen);
    return () => {
      left = true;
      clearTimeout(timer);
      end();
      document.removeEventListener('visibilitychange', onSeen);
    };
  }, [server]);
  return {
    types,
    failure,
    live,
    show: (changed) => setTypes((all) => all?.map((each) => (each.name === changed.name ? changed : each))),
  };
}

/** Whether its figures change with time alone. */
function ages({ oldestWaitingSeconds, lastDay, schedule }: TypeStats): boolean {
  return oldestWaitingSeconds !== null || schedule !== null || lastDay.succeeded + lastDay.failed > 0;
}
