import { useEffect, useState } from 'preact/hooks';
import { useServer } from '../context.ts';
import { type Failure, toFailure } from './failure.ts';
import { JobTypesDocument, type TypeStatsFragment } from './generated/graphql.ts';

export type TypeStats = TypeStatsFragment;

/** Milliseconds between two reads: the figures are sums, which no event announces. */
const REFRESH_MS = 3000;

export interface TypeList {
  readonly types: readonly TypeStats[] | undefined;
  readonly failure: Failure | undefined;
  /** Shows what an action returned. */
  show(changed: TypeStats): void;
}

/** How the job types do, read again and again while the page is seen. */
export function useTypes(): TypeList {
  const server = useServer();
  const [types, setTypes] = useState<readonly TypeStats[]>();
  const [failure, setFailure] = useState<Failure>();
  useEffect(() => {
    const left = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const read = async (): Promise<void> => {
      clearTimeout(timer);
      if (document.visibilityState === 'visible') {
        try {
          const { jobTypes } = await server.query(JobTypesDocument, {});
          if (left.signal.aborted) return;
          setTypes(jobTypes);
          setFailure(undefined);
        } catch (error) {
          if (left.signal.aborted) return;
          setFailure(toFailure(error));
        }
      }
      timer = setTimeout(() => void read(), REFRESH_MS);
    };
    document.addEventListener('visibilitychange', () => void read(), { signal: left.signal });
    void read();
    return () => {
      left.abort();
      clearTimeout(timer);
    };
  }, [server]);
  return {
    types,
    failure,
    show: (changed) => setTypes((all) => all?.map((each) => (each.name === changed.name ? changed : each))),
  };
}
