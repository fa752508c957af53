import { useEffect, useState } from 'preact/hooks';
import { formatAgo, formatDuration, formatExact } from '../format.ts';

const listeners = new Set<(now: number) => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** The time, once a second: one timer for all that show it. */
function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    listeners.add(setNow);
    timer ??= setInterval(() => {
      for (const listener of listeners) listener(Date.now());
    }, 1000);
    return () => {
      listeners.delete(setNow);
      if (listeners.size > 0) return;
      clearInterval(timer);
      timer = undefined;
    };
  }, []);
  return now;
}

/** How long ago, with the exact time where the pointer rests. */
export function Ago({ at }: { readonly at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={formatExact(at)}>
      {formatAgo(at, now)}
    </time>
  );
}

interface ElapsedProps {
  readonly from: string;
  /** Null: it goes on. */
  readonly to: string | null;
}

export function Elapsed({ from, to }: ElapsedProps) {
  return to === null ? <Running from={from} /> : <span>{formatDuration(Date.parse(to) - Date.parse(from))}</span>;
}

function Running({ from }: { readonly from: string }) {
  const now = useNow();
  return <span>{formatDuration(Math.max(0, now - Date.parse(from)))}</span>;
}
