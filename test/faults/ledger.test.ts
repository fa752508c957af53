import { describe, expect, it } from 'vitest';
import { type Ledger, type Verdict, createLedger } from './ledger.ts';

type Name = keyof Verdict;

const accept = (ledger: Ledger, customer: string, jobId: string) => {
  const submission = ledger.submission([customer]);
  ledger.accepted(submission, { jobId, face: 'rest', sentAt: 0, at: 0 });
  return submission;
};

/** Each a way to break the contract: what the ledger then says, and of whom. */
const BREACHES: readonly [name: Name, said: string, run: (ledger: Ledger) => Verdict][] = [
  [
    'lost',
    'c1 j1',
    (ledger) => {
      accept(ledger, 'c1', 'j1');
      return ledger.close([], new Set());
    },
  ],
  [
    'lost',
    'c1 j1',
    (ledger) => {
      accept(ledger, 'c1', 'j1');
      ledger.saw('j1', 'Succeeded', 1);
      return ledger.close([], new Set());
    },
  ],
  [
    'unreadable',
    'j1',
    (ledger) => {
      accept(ledger, 'c1', 'j1');
      ledger.missed('j1');
      return ledger.close([], new Set());
    },
  ],
  [
    'failed',
    'j1',
    (ledger) => {
      accept(ledger, 'c1', 'j1');
      ledger.saw('j1', 'Failed', 1);
      return ledger.close([], new Set());
    },
  ],
  [
    'doneTwice',
    'c1 j1',
    (ledger) => {
      accept(ledger, 'c1', 'j1');
      return ledger.close(
        ['j1', 'j2'].map((job) => ({ customer: 'c1', job })),
        new Set(['c1']),
      );
    },
  ],
  [
    'changed',
    'j1',
    (ledger) => {
      accept(ledger, 'c1', 'j1');
      ledger.saw('j1', 'Succeeded', 1);
      ledger.saw('j1', 'Running', performance.now());
      return ledger.close([], new Set());
    },
  ],
  [
    'refusedAndRun',
    'c1',
    (ledger) => {
      ledger.refusedSubmission(ledger.submission(['c1']), 1);
      return ledger.close([{ customer: 'c1', job: 'j1' }], new Set(['c1']));
    },
  ],
];

describe('the ledger', () => {
  it.each(BREACHES)('tells what was %s: %s', (name, said, run) => {
    expect(run(createLedger())[name]).toEqual([said]);
  });

  it('has nothing to say of a job that was read while it ran by a reply that came after its end', () => {
    const ledger = createLedger();
    accept(ledger, 'c1', 'j1');
    const askedAt = performance.now();
    ledger.saw('j1', 'Succeeded', askedAt);
    ledger.saw('j1', 'Running', askedAt);
    expect(ledger.close([{ customer: 'c1', job: 'j1' }], new Set(['c1']))).toMatchObject({ changed: [], lost: [] });
  });

  it('leaves open what became of a request that was on its way when the store was cut off', () => {
    const ledger = createLedger();
    const sentAt = performance.now();
    ledger.cutOff();
    ledger.refusedSubmission(ledger.submission(['c1']), sentAt);
    const verdict = ledger.close([{ customer: 'c1', job: 'j1' }], new Set(['c1']));
    expect(verdict).toMatchObject({ refusedYetRun: 1, refusedAndRun: [] });
  });
});
