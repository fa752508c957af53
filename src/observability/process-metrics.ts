import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import { Counter, Gauge, type Registry } from 'prom-client';

/** Milliseconds between two measurements of the event loop's delay, which include this time. */
const RESOLUTION_MS = 20;

/**
 * Adds event loop, memory and processor, under OpenTelemetry's names. They are read at each scrape.
 * @returns stops measuring
 */
export function addProcessMetrics(registry: Registry): () => void {
  const gauge = (name: string, help: string, read: () => number): void => {
    const collect = (): void => metric.set(read());
    const metric = new Gauge({ name, help, registers: [registry], collect });
  };
  /** @param read the values by those of the label */
  const gauges = (name: string, help: string, label: string, read: () => readonly (readonly [string, number])[]) => {
    const collect = (): void => {
      for (const [value, amount] of read()) metric.set({ [label]: value }, amount);
    };
    const metric = new Gauge({ name, help, labelNames: [label], registers: [registry], collect });
  };
  /** The same for totals, which only grow. */
  const totals = (name: string, help: string, label: string, read: () => readonly (readonly [string, number])[]) => {
    const collect = (): void => {
      metric.reset();
      for (const [value, amount] of read()) metric.inc({ [label]: value }, amount);
    };
    const metric = new Counter({ name, help, labelNames: [label], registers: [registry], collect });
  };

  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  const toDelay = (nanoseconds: number): number => Math.max(0, (nanoseconds || 0) / 1e9 - RESOLUTION_MS / 1000);
  gauge('nodejs_eventloop_delay_mean_seconds', 'Mean delay of the event loop since the last scrape.', () =>
    toDelay(delays.mean),
  );
  gauge('nodejs_eventloop_delay_p99_seconds', '99th percentile of the same.', () => toDelay(delays.percentile(99)));
  gauge('nodejs_eventloop_delay_max_seconds', 'Maximum of the same.', () => {
    const { max } = delays;
    // Metrics are read in the order in which they were added.
    delays.reset();
    return toDelay(max);
  });
  totals(
    'nodejs_eventloop_time_seconds_total',
    'Time that the event loop was active and idle.',
    'nodejs_eventloop_state',
    () => {
      const { active, idle } = performance.eventLoopUtilization();
      return [
        ['active', active / 1000],
        ['idle', idle / 1000],
      ];
    },
  );
  gauge('process_memory_usage_bytes', 'Resident memory.', residentMemory);
  gauges('v8js_memory_heap_used_bytes', 'Used memory of each heap space.', 'v8js_heap_space_name', () =>
    getHeapSpaceStatistics().map((space) => [space.space_name, space.space_used_size]),
  );
  gauge(
    'v8js_memory_heap_limit_bytes',
    'The most memory of all heap spaces together.',
    () => getHeapStatistics().heap_size_limit,
  );
  totals('process_cpu_time_seconds_total', 'Processor time.', 'cpu_mode', () => {
    const { user, system } = process.cpuUsage();
    return [
      ['user', user / 1e6],
      ['system', system / 1e6],
    ];
  });
  gauge('process_start_time_seconds', 'Start of the process, in seconds since 1970.', () =>
    Math.round(performance.timeOrigin / 1000),
  );
  return () => delays.disable();
}

/** 0 where it cannot be read: on Linux that takes a file, and the process may have no more of them. */
function residentMemory(): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return 0;
  }
}
