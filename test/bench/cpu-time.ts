import { existsSync, readFileSync } from 'node:fs';

/** Linux tells it in ticks of 10 ms (proc_pid_stat(5)). */
const TICKS_IN_SECOND = 100;
/** Of what is behind the name: a process's own in user and kernel mode, then that of its ended children. */
const TIMES = { first: 11, amount: 4 };

/** Seconds of CPU that a process has taken, with those of its children that have ended; undefined where the system has no /proc. */
export function cpuSeconds(pid: number | 'self'): number | undefined {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return undefined;
  const stat = readFileSync(file, 'utf8');
  // The name stands in parentheses, and may have any character.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(TIMES.first, TIMES.first + TIMES.amount).map(Number);
  return ticks.reduce((sum, value) => sum + value, 0) / TICKS_IN_SECOND;
}
