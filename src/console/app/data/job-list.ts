import type { JobRowFragment } from './generated/graphql.ts';
import type { JobFilter } from './job-filter.ts';

export type JobRow = JobRowFragment;

/** A page of the list, newest first. */
export interface JobPage {
  readonly jobs: readonly JobRow[];
  /** Where the next page begins; undefined on the last. */
  readonly next: string | undefined;
}

/** What a change needs to know of the page. */
export interface PageView {
  readonly filter: JobFilter;
  /** Whether the page has the newest jobs, to which others are added. */
  readonly newest: boolean;
}

/**
 * The page after changes, of which the last of each job counts. A job that has left the filter's statuses leaves the page; one that is older
 * than the page is on another.
 */
export function applyChanges(page: JobPage, changes: Iterable<JobRow>, { filter, newest }: PageView): JobPage {
  const shown = new Map(page.jobs.map((job) => [job.id, job]));
  const oldest = page.jobs.at(-1)?.createdAt ?? '';
  for (const job of changes) {
    const before = shown.get(job.id);
    // What was read may be later than what an event said.
    if (before !== undefined && before.lastUpdatedAt > job.lastUpdatedAt) continue;
    const fits = filter.statuses.length === 0 || filter.statuses.includes(job.status);
    if (!fits) shown.delete(job.id);
    else if (before !== undefined || (newest && (page.next === undefined || job.createdAt > oldest)))
      shown.set(job.id, job);
  }
  return { ...page, jobs: [...shown.values()].toSorted(byAge) };
}

function byAge(one: JobRow, other: JobRow): number {
  if (one.createdAt === other.createdAt) return 0;
  return one.createdAt > other.createdAt ? -1 : 1;
}
