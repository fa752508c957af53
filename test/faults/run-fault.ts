import { type TestContext, expect } from 'vitest';
import { poll } from '../support/follow.ts';
import { FACES, type Verdict } from './ledger.ts';
import { startLoad } from './load.ts';
import type { System } from './system.ts';

/** Jobs that are accepted before the fault, and after it. */
const ENOUGH = 15;
const ACCEPTS_AGAIN_MS = 5000;
const WORKS_AGAIN_MS = 15_000;
/** Readers wait no longer for their jobs. */
const GIVE_UP_MS = 45_000;

/** Milliseconds from the moment the fault was over. */
export interface Recovery {
  /** Until submissions on both faces succeeded again. */
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
  /** Makes the fault, and ends it. Work is in hand when it is called. */
  act(): Promise<Recovery>;
}

/** Runs a fault under load, waits until all that was accepted is done, and closes the books. */
export async function runFault({ fault, backend, system, task, act }: FaultOptions): Promise<Verdict> {
  const { ledger, faces, database, url } = system;
  const giveUp = new AbortController();
  const load = startLoad({ url, faces, ledger, giveUp: giveUp.signal });
  await moreAccepted(system);
  const recovery = await act();
  await moreAccepted(system);
  const timer = setTimeout(() => giveUp.abort(), GIVE_UP_MS);
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
 * What each fault leaves behind.
 * @param mayBeGone jobs that the store never promised to keep
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
 * After the store is back: on its own, and as soon as is promised.
 * @param noticedMs how long it may take to notice that there is something to recover from
 */
export function expectQuickRecovery({ acceptsMs, worksMs }: Recovery = {}, noticedMs = 0): void {
  expect(acceptsMs).toBeLessThan(noticedMs + ACCEPTS_AGAIN_MS);
  expect(worksMs).toBeLessThan(noticedMs + WORKS_AGAIN_MS);
}

/** Waits for submissions that are sent from now on to be accepted on both faces, and for one of their jobs to be done. */
export async function recovers({ ledger }: System): Promise<Required<Recovery>> {
  const since = performance.now();
  const sentSince = () => ledger.acceptances.filter(({ sentAt }) => sentAt >= since);
  const now = async () => performance.now() - since;
  const acceptsMs = await poll(now, () => FACES.every((face) => sentSince().some((one) => one.face === face)));
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

/** A final status is the same on both faces, and stays. */
async function readAllAgain({ ledger, faces }: System): Promise<void> {
  for (const { jobId } of ledger.acceptances) {
    for (const face of FACES) {
      const askedAt = performance.now();
      const answer = await faces.read(face, jobId);
      if (answer.kind !== 'answered') throw new Error(`${jobId} cannot be read when all is over: ${answer.kind}`);
      if (answer.value === null) ledger.missed(jobId);
      else ledger.saw(jobId, answer.value.status, askedAt);
    }
  }
}
