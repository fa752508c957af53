import { usePaths, useSession } from '../context.ts';
import type { JobRow } from '../data/job-list.ts';
import { shortId } from '../format.ts';
import { Progress, Status } from '../parts/status.tsx';
import { Ago, Elapsed } from '../parts/time.tsx';

const ROW = 'a[data-row]';

/** Moves the focus along the list, from its beginning where it is elsewhere. */
export function focusRow(step: number): void {
  const rows = [...document.querySelectorAll<HTMLAnchorElement>(ROW)];
  const at = rows.findIndex((row) => row === document.activeElement);
  const next = at === -1 ? 0 : Math.min(Math.max(at + step, 0), rows.length - 1);
  rows[next]?.focus();
}

export function JobTable({ jobs }: { readonly jobs: readonly JobRow[] }) {
  const showsCaller = useSession().caller !== undefined && jobs.some(({ caller }) => caller !== null);
  return (
    <table class="jobs">
      <thead>
        <tr>
          <th scope="col">Status</th>
          <th scope="col">Job</th>
          <th scope="col" class="wide">
            Progress
          </th>
          {showsCaller && (
            <th scope="col" class="wide caller">
              Caller
            </th>
          )}
          <th scope="col" class="wide number">
            Attempt
          </th>
          <th scope="col" class="number">
            Created
          </th>
          <th scope="col" class="wide number">
            Duration
          </th>
        </tr>
      </thead>
      <tbody>
        {jobs.map((job) => (
          <Row key={job.id} job={job} showsCaller={showsCaller} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ job, showsCaller }: { readonly job: JobRow; readonly showsCaller: boolean }) {
  const paths = usePaths();
  const { id, type, status, attempt, maxAttempts, createdAt, startedAt, finishedAt } = job;
  return (
    <tr>
      <td>
        <Status status={status} stopping={job.cancelRequested} />
      </td>
      <td>
        <a data-row href={paths.job(id)}>
          <span class="clip">{type}</span> <code>{shortId(id)}</code>
        </a>
      </td>
      <td class="wide">
        <Story job={job} />
      </td>
      {showsCaller && <td class="wide clip">{job.caller}</td>}
      <td class="wide number">{attempt === 0 ? <span class="soft">–</span> : `${attempt} of ${maxAttempts}`}</td>
      <td class="number">
        <Ago at={createdAt} />
      </td>
      <td class="wide number">
        {startedAt === null || status === 'PENDING' ? (
          <span class="soft">–</span>
        ) : (
          <Elapsed from={startedAt} to={finishedAt} />
        )}
      </td>
    </tr>
  );
}

/** What there is to say about a job in a line. */
function Story({ job: { status, percentComplete, message, error } }: { readonly job: JobRow }) {
  if (error !== null) return <code class={`code ${status.toLowerCase()}`}>{error.code}</code>;
  if (status === 'RUNNING') return <Progress percent={percentComplete} message={message} />;
  return <span class="soft clip">{message ?? ''}</span>;
}
