import { useState } from 'preact/hooks';
import { usePaths, useServer, useSession } from '../context.ts';
import { type Failure, toFailure } from '../data/failure.ts';
import { type JobStatus, PauseJobTypeDocument, ResumeJobTypeDocument } from '../data/generated/graphql.ts';
import { STATUSES } from '../data/job-filter.ts';
import type { TypeStats } from '../data/use-types.ts';
import { formatCount, formatDuration } from '../format.ts';
import { STATUS_SHAPES } from '../parts/icons.tsx';
import { FailureNotice } from '../parts/notice.tsx';
import { Sparkline } from '../parts/sparkline.tsx';
import { Ago } from '../parts/time.tsx';
import { STATUS_NAMES } from '../parts/status.tsx';

interface TypeCardProps {
  readonly type: TypeStats;
  readonly onChange: (type: TypeStats) => void;
}

/** The periods of the figures, and of the list that a figure leads to. */
const PERIODS = [
  ['lastMinute', 'Minute', undefined],
  ['lastHour', 'Hour', '1h'],
  ['lastDay', 'Day', '24h'],
] as const;

const COUNT_OF = {
  PENDING: 'pending',
  RUNNING: 'running',
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  CANCELED: 'canceled',
} as const satisfies Record<JobStatus, keyof TypeStats['counts']>;

/** How one job type does. */
export function TypeCard({ type, onChange }: TypeCardProps) {
  const { name, description, paused, counts, oldestWaitingSeconds, duration, waiting, history, schedule } = type;
  const { jobTypes } = useSession();
  const paths = usePaths();
  const [failure, setFailure] = useState<Failure>();
  return (
    <section class="panel type" aria-label={name}>
      <header>
        <h2>{name}</h2>
        {paused && <span class="badge">Paused</span>}
        <div class="actions">
          {jobTypes.some((each) => each.name === name) && (
            <a class="button small" href={paths.submit(name)}>
              Submit
            </a>
          )}
          <PauseButton type={type} onChange={onChange} onFailure={setFailure} />
        </div>
      </header>
      <p class="soft">{description ?? 'The server no longer has this type; these jobs are left of it.'}</p>
      {schedule && (
        <p class="soft">
          Scheduled: <code>{schedule.cron}</code> in {schedule.timezone}
          {schedule.nextRunAt && (
            <>
              , next <Ago at={schedule.nextRunAt} />
            </>
          )}
        </p>
      )}
      {failure !== undefined && <FailureNotice failure={failure} />}
      <Sparkline {...history} />
      <ul class="counts">
        {STATUSES.map((status) => {
          const count = counts[COUNT_OF[status]];
          return (
            <li key={status}>
              <a
                class={`status ${count === 0 ? 'none' : status.toLowerCase()}`}
                href={paths.jobs(`type=${name}&status=${status.toLowerCase()}`)}
                title={STATUS_NAMES[status]}
              >
                {STATUS_SHAPES[status]}
                {!counts.exact && '≈ '}
                {formatCount(count)}
                <span class="visually-hidden"> {STATUS_NAMES[status]}</span>
              </a>
            </li>
          );
        })}
      </ul>
      <div class="figures">
        <table>
          <thead>
            <tr>
              <th scope="col">Ended in the last</th>
              {PERIODS.map(([period, label]) => (
                <th key={period} scope="col" class="number">
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {(['succeeded', 'failed'] as const).map((end) => (
              <tr key={end}>
                <th scope="row">{end === 'succeeded' ? 'Succeeded' : 'Failed'}</th>
                {PERIODS.map(([period, label, from]) => {
                  const count = type[period][end];
                  return (
                    <td key={period} class={`number ${end === 'failed' && count > 0 ? 'bad' : ''}`}>
                      {end === 'failed' && count > 0 && from !== undefined ? (
                        <a
                          href={paths.jobs(`type=${name}&status=failed&from=${from}`)}
                          title={`Failed jobs that were created in the last ${label.toLowerCase()}`}
                        >
                          {formatCount(count)}
                        </a>
                      ) : (
                        formatCount(count)
                      )}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
        <dl class="facts">
          <Fact name="Oldest waiting" value={formatSeconds(oldestWaitingSeconds)} />
          <Fact name="Waiting, p50 · p95" value={formatPercentiles(waiting)} />
          <Fact name="Duration, p50 · p95" value={formatPercentiles(duration)} />
        </dl>
      </div>
    </section>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function formatSeconds(seconds: number | null): string {
  return seconds === null ? '–' : formatDuration(seconds * 1000);
}

function formatPercentiles(percentiles: { readonly p50: number; readonly p95: number } | null): string {
  return percentiles === null ? '–' : `${formatSeconds(percentiles.p50)} · ${formatSeconds(percentiles.p95)}`;
}

interface PauseButtonProps extends TypeCardProps {
  readonly onFailure: (failure: Failure | undefined) => void;
}

function PauseButton({ type: { name, paused }, onChange, onFailure }: PauseButtonProps) {
  const server = useServer();
  const [busy, setBusy] = useState(false);
  return (
    <button
      type="button"
      class="small"
      disabled={busy}
      aria-label={`${paused ? 'Resume' : 'Pause'} ${name}`}
      title={paused ? 'Let workers take jobs of this type again' : 'Let running jobs finish, and take no others'}
      onClick={() => void change()}
    >
      {paused ? 'Resume' : 'Pause'}
    </button>
  );

  async function change(): Promise<void> {
    setBusy(true);
    try {
      const variables = { type: name };
      const changed = paused
        ? (await server.query(ResumeJobTypeDocument, variables)).resumeJobType
        : (await server.query(PauseJobTypeDocument, variables)).pauseJobType;
      if (changed !== null) onChange(changed);
      onFailure(undefined);
    } catch (error) {
      onFailure(toFailure(error));
    } finally {
      setBusy(false);
    }
  }
}
