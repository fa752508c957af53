import { formatPlural } from '../format.ts';

interface SparklineProps {
  /** By minute, the oldest first. */
  readonly succeeded: readonly number[];
  readonly failed: readonly number[];
}

const BAR = 4;
const HEIGHT = 36;

/** How many jobs ended in each minute of the last hour: a bar each, of which the failed are the upper part. */
export function Sparkline({ succeeded, failed }: SparklineProps) {
  const sums = succeeded.map((count, minute) => count + (failed[minute] ?? 0));
  const most = Math.max(1, ...sums);
  const scale = (count: number): number => (count === 0 ? 0 : Math.max(1, (count / most) * HEIGHT));
  const label = `The last hour: ${sum(succeeded)} succeeded, ${sum(failed)} failed, at most ${formatPlural(Math.max(0, ...sums), 'job')} a minute`;
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${sums.length * BAR} ${HEIGHT + 1}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <title>{label}</title>
      <path d={`M0 ${HEIGHT + 0.5}H${sums.length * BAR}`} class="axis" />
      <path class="good" d={succeeded.map((count, minute) => bar(minute, 0, scale(count))).join('')} />
      <path
        class="bad"
        d={failed.map((count, minute) => bar(minute, scale(succeeded[minute] ?? 0), scale(count))).join('')}
      />
    </svg>
  );
}

/** @param above where it begins */
function bar(minute: number, above: number, height: number): string {
  return height === 0 ? '' : `M${minute * BAR} ${HEIGHT - above}v${-height}h${BAR - 1}v${height}z`;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
