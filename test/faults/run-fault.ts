import { type TestContext, expect } from 'vitest';
import { poll } from '../support/follow.ts';
import { APIS, type Verdict } from './ledger.ts';
import { startLoad } from './load.ts';
import type { System } from './system.ts';

/** Jobs accepted before the fault and after it. */
const ENOUGH = 15;
const ACCEPTS_AGAIN_MS = 5000;
const WORKS_AGAIN_MS = 15_000;

/** Milliseconds from the end of the fault. */
export interface Recovery {
  /** Until submissions on both APIs succeeded again. */
  readonly acceptsMs?: number;
  /** Until a job was done again. */
  readonly worksMs?: number;
}

declare module 'vitest' {
  interface TaskMeta {
    fault?: FaultRecord;
  }
}

/** One run of one fault, for the table. */
export interface FaultRecord extends Recovery {
  readonly fault: string;
  readonly backend: string;
  readonly accepted: number;
  readonly refused: number;
  readonly unanswered: number;
  readonly runAgain: number;
  readonly lost: number;
  readonly doneTwice: number;
  readonly refusedYetRun: number;
}

export interface FaultOptions {
  readonly fault: string;
  readonly backend: string;
  readonly system: System;
  readonly task: TestContext['task'];
  /** Whether the clients wait for as long as the replies say. @default false, to see the recovery at once */
  readonly heedsRetryAfter?: boolean;
  /** Readers stop waiting for their jobs so many milliseconds after the end of the fault. @default 45,000 */
  readonly giveUpMs?: number;
  /** Causes the fault and ends it. Jobs are running when it is called. */
  act(): Promise<Recovery>;
}

/** Causes a fault under load, waits until every accepted job is done, and returns the ledger's verdict. */
export async function runFault(options: FaultOptions): Promise<Verdict> {
  const { fault, backend, system, task, act, heedsRetryAfter = false, giveUpMs = 45_000 } = options;
  const { ledger, client, database, url } = system;
  const giveUp = new AbortController();
  const load = startLoad({ url, client, ledger, giveUp: giveUp.signal, heedsRetryAfter });
  await moreAccepted(system);
  const recovery = await act();
  await moreAccepted(system);
  const timer = setTimeout(() => giveUp.abort(), giveUpMs);
  await load.finish();
  clearTimeout(timer);
  await readAllAgain(system);
  const verdict = ledger.close(await database.readRuns(), await database.readRows());
  const { accepted, refused, unanswered, runAgain, lost, doneTwice, refusedYetRun } = verdict;
  task.meta.fault = {
    fault,
    backend,
    accepted,
    refused,
    unanswered,
    runAgain,
    lost: lost.length,
    doneTwice: doneTwice.length,
    refusedYetRun,
    ...recovery,
  };
  return verdict;
}

/**
 * Expects that no job was lost, run with two effects, or changed after its end.
 * @param mayBeGone ids of jobs that the store does not guarantee to keep
 */
export function expectNothingWrong(verdict: Verdict, mayBeGone: readonly string[] = []): void {
  const { lost, unreadable, failed, doneTwice, changed, refusedAndRun } = verdict;
  const wrong = { lost, unreadable, failed, doneTwice, changed, refusedAndRun };
  const rest = Object.entries(wrong).map(([name, all]) => [
    name,
    all.filter((one) => !mayBeGone.some((jobId) => one.includes(jobId))),
  ]);
  expect(Object.fromEntries(rest)).toEqual({
    lost: [],
    unreadable: [],
    failed: [],
    doneTwice: [],
    changed: [],
    refusedAndRun: [],
  });
}

/**
 * Expects recovery without intervention, within the documented time.
 * @param noticedMs how long it may take to detect the fault
 */
export function expectQuickRecovery({ acceptsMs, worksMs }: Recovery = {}, noticedMs = 0): void {
  expect(acceptsMs).toBeLessThan(noticedMs + ACCEPTS_AGAIN_MS);
  expect(worksMs).toBeLessThan(noticedMs + WORKS_AGAIN_MS);
}

/** Resolves when submissions sent from now on are accepted on both APIs and one of their jobs is done. */
export async function recovers({ ledger }: System): Promise<Required<Recovery>> {
  const since = performance.now();
  const sentSince = () => ledger.acceptances.filter(({ sentAt }) => sentAt >= since);
  const now = async () => performance.now() - since;
  const acceptsMs = await poll(now, () => APIS.every((api) => sentSince().some((one) => one.api === api)));
  const worksMs = await poll(now, () => sentSince().some(({ jobId }) => ledger.isDone(jobId)));
  return { acceptsMs, worksMs };
}

/** Waits for some more submissions to be accepted. */
export async function moreAccepted({ ledger }: System): Promise<void> {
  const before = ledger.acceptances.length;
  await poll(
    async () => ledger.acceptances.length - before,
    (accepted) => accepted >= ENOUGH,
  );
}

/** Jobs that are read at a time when all is over. */
const READ_AT_A_TIME = 50;

/** Both APIs return the same final status, which no longer changes. */
async function readAllAgain({ ledger, client }: System): Promise<void> {
  const readAgain = async (jobId: string): Promise<void> => {
    for (const api of APIS) {
      const askedAt = performance.now();
      const answer = await client.read(api, jobId);
      if (answer.kind !== 'answered') throw new Error(`${jobId} cannot be read when all is over: ${answer.kind}`);
      if (answer.value === null) ledger.missed(jobId);
      else ledger.saw(jobId, answer.value.status, askedAt);
    }
  };
  const jobs = ledger.acceptances.map(({ jobId }) => jobId);
  for (let first = 0; first < jobs.length; first += READ_AT_A_TIME)
    await Promise.all(jobs.slice(first, first + READ_AT_A_TIME).map(readAgain));
}
