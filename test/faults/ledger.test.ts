import { describe, expect, it } from 'vitest';
import { type Ledger, type Verdict, createLedger } from './ledger.ts';

type Name = keyof Verdict;

const accept = (ledger: Ledger, customer: string, jobId: string) => {
  const submission = ledger.submission([customer]);
  ledger.accepted(submission, { jobId, api: 'rest', sentAt: 0, at: 0 });
  return submission;
};

/** One violation of the contract each, with the entry that the ledger reports. */
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
    'c1 j1 (and j2; refused 0, unanswered 0)',
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
    'c1 (and j1; refused 1, unanswered 0)',
    (ledger) => {
      ledger.refusedSubmission(ledger.submission(['c1']), { sentAt: 1, isUnconfirmed: false });
      return ledger.close([{ customer: 'c1', job: 'j1' }], new Set(['c1']));
    },
  ],
];

describe('the ledger', () => {
  it.each(BREACHES)('reports %s: %s', (name, said, run) => {
    expect(run(createLedger())[name]).toEqual([said]);
  });

  it('ignores a late reply from while the job was running', () => {
    const ledger = createLedger();
    accept(ledger, 'c1', 'j1');
    const askedAt = performance.now();
    ledger.saw('j1', 'Succeeded', askedAt);
    ledger.saw('j1', 'Running', askedAt);
    expect(ledger.close([{ customer: 'c1', job: 'j1' }], new Set(['c1']))).toMatchObject({ changed: [], lost: [] });
  });

  const refuse = (isUnconfirmed: boolean, isSentBefore: boolean) => {
    const ledger = createLedger();
    const sentAt = isSentBefore ? performance.now() : Infinity;
    ledger.cutOff();
    ledger.refusedSubmission(ledger.submission(['c1']), { sentAt, isUnconfirmed });
    return ledger.close([{ customer: 'c1', job: 'j1' }], new Set(['c1']));
  };

  it('does not report an unconfirmed request that was in flight when the store was cut off', () => {
    expect(refuse(true, true)).toMatchObject({ refusedYetRun: 1, refusedAndRun: [] });
  });

  it('reports one whose reply said that it was not accepted, and one that was sent later', () => {
    for (const verdict of [refuse(false, true), refuse(true, false)])
      expect(verdict).toMatchObject({ refusedYetRun: 1, refusedAndRun: [expect.stringContaining('c1')] });
  });
});
