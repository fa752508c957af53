import type { Run } from './customers-database.ts';

export const APIS = ['rest', 'graphql'] as const;
export type Api = (typeof APIS)[number];

const FINAL: ReadonlySet<string> = new Set(['Succeeded', 'Failed', 'Canceled']);

/** One submission, with its retries and their replies. Its customers belong to no other submission. */
export interface Submission {
  readonly customers: readonly string[];
  /** The ids of the jobs in the replies: one, or none. */
  readonly jobs: Set<string>;
  refused: number;
  /** Refused requests that the store may have received: their replies said so, and they were not sent while it was unavailable. */
  inDoubt: number;
  /** Requests without a reply, whose outcome is unknown. */
  unanswered: number;
}

interface Sighting {
  final: { readonly status: string; readonly at: number } | undefined;
  readonly changes: string[];
  missing: number;
}

interface Acceptance {
  readonly jobId: string;
  readonly api: Api;
  readonly sentAt: number;
  readonly at: number;
}

/** The result of a run. In a correct system each list is empty. */
export interface Verdict {
  readonly accepted: number;
  readonly refused: number;
  readonly unanswered: number;
  /** Runs of a job beyond the first, which must have no effect. */
  readonly runAgain: number;
  /** Accepted submissions without a final status or without their effect. */
  readonly lost: readonly string[];
  /** Accepted jobs that a reader did not find at some time. */
  readonly unreadable: readonly string[];
  readonly failed: readonly string[];
  /** Submissions with effects of two jobs. */
  readonly doneTwice: readonly string[];
  /** Jobs that a reader saw leave their final status. */
  readonly changed: readonly string[];
  /** Submissions that were refused, never accepted, and run: all, and those sent while the store was unavailable. */
  readonly refusedYetRun: number;
  readonly refusedAndRun: readonly string[];
}

/** Records what clients sent and received, independently of the system. Times are `performance.now()`. */
export interface Ledger {
  submission(customers: readonly string[]): Submission;
  accepted(submission: Submission, acceptance: Acceptance): void;
  saw(jobId: string, status: string, askedAt: number): void;
  missed(jobId: string): void;
  /** How long a client waited for its reply. */
  waited(ms: number): void;
  /** The slowest reply since the last call, in milliseconds. */
  takeSlowestMs(): number;
  /** Marks that the store is unavailable from now on: requests in flight may have reached it. */
  cutOff(): void;
  /**
   * A submission was answered with 503.
   * @param isUnconfirmed whether the reply said that the job may have been accepted
   */
  refusedSubmission(
    submission: Submission,
    refusal: { readonly sentAt: number; readonly isUnconfirmed: boolean },
  ): void;
  /** A submission or a read was answered with 503. */
  refused(): void;
  refusals(): number;
  readonly acceptances: readonly Acceptance[];
  isDone(jobId: string): boolean;
  /** @param runs one entry for each row that each run wrote to the customers' database */
  close(runs: readonly Run[], rows: ReadonlySet<string>): Verdict;
}

export function createLedger(): Ledger {
  const submissions: Submission[] = [];
  const acceptances: Acceptance[] = [];
  const sightings = new Map<string, Sighting>();
  let slowestMs = 0;
  let refusals = 0;
  let cutOffAt: number | undefined;

  const sightingOf = (jobId: string): Sighting => {
    const sighting = sightings.get(jobId) ?? { final: undefined, changes: [], missing: 0 };
    sightings.set(jobId, sighting);
    return sighting;
  };
  const isDone = (jobId: string): boolean => sightings.get(jobId)?.final !== undefined;

  return {
    acceptances,
    isDone,
    submission(customers) {
      const submission = { customers, jobs: new Set<string>(), refused: 0, inDoubt: 0, unanswered: 0 };
      submissions.push(submission);
      return submission;
    },
    accepted(submission, acceptance) {
      submission.jobs.add(acceptance.jobId);
      acceptances.push(acceptance);
      sightingOf(acceptance.jobId);
    },
    saw(jobId, status, askedAt) {
      const sighting = sightingOf(jobId);
      // A reply in flight while another reader saw the end is late; the status did not change.
      if (sighting.final !== undefined && sighting.final.status !== status && askedAt > sighting.final.at) {
        sighting.changes.push(`${sighting.final.status} -> ${status}`);
      }
      if (sighting.final === undefined && FINAL.has(status)) sighting.final = { status, at: performance.now() };
    },
    missed(jobId) {
      sightingOf(jobId).missing += 1;
    },
    waited(ms) {
      slowestMs = Math.max(slowestMs, ms);
    },
    cutOff() {
      cutOffAt = performance.now();
    },
    refusedSubmission(submission, { sentAt, isUnconfirmed }) {
      submission.refused += 1;
      // On a slow machine a confirmation may come too late while the store is available.
      if (isUnconfirmed && (cutOffAt === undefined || sentAt <= cutOffAt)) submission.inDoubt += 1;
    },
    refused() {
      refusals += 1;
    },
    refusals: () => refusals,
    takeSlowestMs() {
      const taken = slowestMs;
      slowestMs = 0;
      return taken;
    },
    close(runs, rows) {
      const jobsOf = new Map<string, Set<string>>();
      for (const { customer, job } of runs) jobsOf.set(customer, (jobsOf.get(customer) ?? new Set()).add(job));
      const doers = (submission: Submission): Set<string> =>
        new Set([...submission.jobs, ...submission.customers.flatMap((id) => [...(jobsOf.get(id) ?? [])])]);
      const isWhole = ({ customers, jobs }: Submission): boolean =>
        customers.every((id) => rows.has(id)) && [...jobs].every(isDone);
      const isRefusedYetRun = (submission: Submission): boolean =>
        submission.refused > 0 && submission.unanswered + submission.jobs.size === 0 && doers(submission).size > 0;
      /** With what leads to the cause: the jobs in the replies, then those that ran without being in one. */
      const describe = (submission: Submission): string => {
        const { customers, jobs, refused, unanswered } = submission;
        const others = [...doers(submission).difference(jobs)];
        const rest =
          others.length === 0 ? [] : [`(and ${others.join(' ')}; refused ${refused}, unanswered ${unanswered})`];
        return [customers[0], ...jobs, ...rest].join(' ');
      };
      const named = (wanted: (submission: Submission) => boolean): string[] => submissions.filter(wanted).map(describe);
      const jobs = (wanted: (sighting: Sighting) => boolean): string[] =>
        [...sightings].filter(([, sighting]) => wanted(sighting)).map(([id]) => id);
      const total = (count: (submission: Submission) => number): number =>
        submissions.reduce((sum, submission) => sum + count(submission), 0);
      return {
        accepted: sightings.size,
        refused: total((submission) => submission.refused),
        unanswered: total((submission) => submission.unanswered),
        runAgain: runs.length - new Set(runs.map(({ customer, job }) => `${customer} ${job}`)).size,
        lost: named((submission) => submission.jobs.size > 0 && !isWhole(submission)),
        unreadable: jobs(({ missing }) => missing > 0),
        failed: jobs(({ final }) => final !== undefined && final.status !== 'Succeeded'),
        doneTwice: named((submission) => doers(submission).size > 1),
        changed: jobs(({ changes }) => changes.length > 0),
        refusedYetRun: submissions.filter(isRefusedYetRun).length,
        refusedAndRun: named((submission) => isRefusedYetRun(submission) && submission.inDoubt === 0),
      };
    },
  };
}
