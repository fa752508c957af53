import { getNextMillis } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob } from '../../src/core/define-job.ts';
import { createRegistry } from '../../src/core/registry.ts';
import { checkCron } from '../../src/queue/cron.ts';

const good = { cron: '0 3 * * *', timezone: 'Europe/Berlin', input: { text: 'hello' } };

/** Starts with a job type that has this schedule, whatever its types are. */
function start(schedule: object): void {
  const text = z.object({ text: z.string().min(1) });
  const type = defineJob({
    name: 'echo',
    collection: 'echoes',
    description: 'Gives back what it gets.',
    input: text,
    result: text,
    schedule: Object.assign({ ...good }, schedule),
    run: (input) => input,
  });
  createRegistry([{ file: 'jobs/echo.ts', type }], checkCron);
}

describe('the schedule of a job type', () => {
  it.each([{}, { cron: '*/5 * * * * *' }, { cron: '@daily' }, { timezone: undefined }])('may be %o', (schedule) => {
    expect(() => start(schedule)).not.toThrow();
  });

  it.each<[object, RegExp]>([
    [{ cron: '61 * * * *' }, /^jobs\/echo\.ts: schedule\.cron: "61 \* \* \* \*": /],
    [{ cron: 'daily' }, /^jobs\/echo\.ts: schedule\.cron: "daily": /],
    [{ cron: '' }, /^jobs\/echo\.ts: schedule\.cron: "": expected five fields/],
    [{ cron: '0 3 * *' }, /: expected five fields/],
    [{ cron: 'H 3 * * *' }, /: expected five fields/],
    [{ cron: '0 0 30 2 *' }, /^jobs\/echo\.ts: schedule\.cron: "0 0 30 2 \*": /],
    [{ cron: 5 }, /^jobs\/echo\.ts: schedule\.cron: expected a cron expression$/],
    [{ timezone: 'Mars/Olympus' }, /^jobs\/echo\.ts: schedule\.timezone: there is no time zone "Mars\/Olympus"$/],
    [{ input: { text: '' } }, /^jobs\/echo\.ts: schedule\.input\.text: /],
    [{ input: { text: 'a', more: 1 } }, /^jobs\/echo\.ts: schedule\.input\.more: Unknown field$/],
    [{ every: 5 }, /^jobs\/echo\.ts: schedule: /],
  ])('stops the start, and names file and field: %o', (schedule, message) => {
    expect(() => start(schedule)).toThrow(message);
  });
});

/** What docs/job-types.md says of the days on which clocks change. */
describe('a cron expression on the days on which clocks change', () => {
  const times = (pattern: string, from: string, count: number): string[] => {
    const found: string[] = [];
    let at = Date.parse(from);
    while (found.length < count) {
      at = getNextMillis(at, { pattern, tz: 'Europe/Berlin' }) ?? Number.NaN;
      found.push(new Date(at).toISOString());
    }
    return found;
  };

  it('names a time that the clock skips an hour later, once', () => {
    expect(times('30 2 * * *', '2026-03-28T12:00:00Z', 2)).toEqual([
      '2026-03-29T01:30:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ]);
  });

  it('names a time that the clock repeats once', () => {
    expect(times('30 2 * * *', '2026-10-24T12:00:00Z', 2)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ]);
  });
});
