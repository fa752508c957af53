import { useState } from 'preact/hooks';
import { usePaths } from '../context.ts';
import { type BulkJob, type BulkKind, type JobCount, affectedBy, useBulkAction } from '../data/use-bulk-action.ts';
import type { JobFilter } from '../data/job-filter.ts';
import { formatPlural } from '../format.ts';
import { Dialog } from '../parts/dialog.tsx';
import { FailureNotice } from '../parts/notice.tsx';
import { Progress, STATUS_NAMES, Status } from '../parts/status.tsx';

const NAMES: Readonly<Record<BulkKind, { readonly verb: string; readonly done: string }>> = {
  cancel: { verb: 'Cancel', done: 'canceled or told to stop' },
  retry: { verb: 'Retry', done: 'put back into the queue' },
};

/** Does something with all jobs that the filter fits, not only with those on the page. */
export function BulkActions({ filter }: { readonly filter: JobFilter }) {
  const [open, setOpen] = useState<{ readonly kind: BulkKind; readonly filter: JobFilter }>();
  return (
    <div class="actions">
      {(['cancel', 'retry'] as const).map((kind) => {
        const affected = affectedBy(kind, filter);
        return (
          <button
            key={kind}
            type="button"
            disabled={affected === undefined}
            onClick={() => affected && setOpen({ kind, filter: affected })}
          >
            {NAMES[kind].verb} all…
          </button>
        );
      })}
      {open !== undefined && <BulkDialog {...open} onClose={() => setOpen(undefined)} />}
    </div>
  );
}

interface BulkDialogProps {
  readonly kind: BulkKind;
  readonly filter: JobFilter;
  readonly onClose: () => void;
}

function BulkDialog({ kind, filter, onClose }: BulkDialogProps) {
  const { count, job, busy, failure, start } = useBulkAction(kind, filter);
  const { verb } = NAMES[kind];
  return (
    <Dialog title={`${verb} all jobs of the filter`} onClose={onClose}>
      <Described filter={filter} />
      {failure !== undefined && <FailureNotice failure={failure} />}
      {job === undefined ? (
        <>
          <p aria-live="polite">{describeCount(count)}</p>
          <div class="dialog-actions">
            <button type="button" onClick={onClose}>
              Close
            </button>
            <button
              type="button"
              class={kind === 'cancel' ? 'danger' : 'primary'}
              disabled={busy || count === undefined || count.count === 0}
              onClick={start}
            >
              {count === undefined || count.more ? `${verb} them` : `${verb} ${formatPlural(count.count, 'job')}`}
            </button>
          </div>
        </>
      ) : (
        <Outcome kind={kind} job={job} onClose={onClose} />
      )}
    </Dialog>
  );
}

function describeCount(count: JobCount | undefined): string {
  if (count === undefined) return 'Counting…';
  if (count.more) return `It fits more than ${formatPlural(count.count, 'job')}.`;
  return count.count === 0 ? 'It fits no job.' : `It fits ${formatPlural(count.count, 'job')} now.`;
}

/** What the filter says, for those who are about to act on it. */
function Described({ filter: { type, statuses, caller, from, to } }: { readonly filter: JobFilter }) {
  const parts = [
    ['Type', type ?? 'all'],
    ['Status', statuses.map((status) => STATUS_NAMES[status]).join(', ')],
    ['Caller', caller],
    ['Created from', from !== undefined && /^\d+[mhd]$/.test(from) ? `${from} ago` : from],
    ['Created before', to],
  ] as const;
  return (
    <dl class="facts">
      {parts.map(
        ([name, value]) =>
          value !== undefined && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

interface OutcomeProps {
  readonly kind: BulkKind;
  readonly job: BulkJob;
  readonly onClose: () => void;
}

function Outcome({ kind, job, onClose }: OutcomeProps) {
  const paths = usePaths();
  const result = 'result' in job ? job.result : null;
  return (
    <>
      <p class="row">
        <Status status={job.status} />
        {!job.done && <Progress percent={job.percentComplete} message={job.message} />}
      </p>
      {result !== null && (
        <p role="status">
          Of {formatPlural(result.matched, 'job')}, {result.changed} {NAMES[kind].done}
          {result.skipped > 0 && `, ${result.skipped} had changed by themselves`}.
        </p>
      )}
      {job.error !== null && <p class="issue">{job.error.message}</p>}
      <div class="dialog-actions">
        <a href={paths.job(job.id)}>Open this action</a>
        <button type="button" class="primary" onClick={onClose}>
          Close
        </button>
      </div>
    </>
  );
}
