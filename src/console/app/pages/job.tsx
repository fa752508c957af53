import { useLocation, useRoute } from 'preact-iso';
import { type ComponentChildren, Fragment } from 'preact';
import { useState } from 'preact/hooks';
import { useConsole, usePaths, useSession } from '../context.ts';
import { NO_FILTER, toQuery } from '../data/job-filter.ts';
import { type Failure, toFailure } from '../data/failure.ts';
import { type JobDetails, type FollowedJob, useJob } from '../data/use-job.ts';
import { Copy } from '../parts/copy.tsx';
import { BackIcon } from '../parts/icons.tsx';
import { FileLinks } from '../parts/file-links.tsx';
import { JsonView } from '../parts/json-view.tsx';
import { Empty, FailureNotice, LiveState } from '../parts/notice.tsx';
import { Panel } from '../parts/panel.tsx';
import { Status } from '../parts/status.tsx';
import { Ago, Elapsed } from '../parts/time.tsx';
import { useKeys } from '../parts/use-keys.ts';
import { useTitle } from '../parts/use-title.ts';
import { Deliveries } from './deliveries.tsx';
import { Output } from './output.tsx';
import { JobActions } from './job-actions.tsx';
import { Timeline } from './timeline.tsx';

/** Everything about one job, as it changes. */
export function JobPage() {
  const { params } = useRoute();
  return <JobView key={params['id']} id={params['id'] ?? ''} />;
}

function JobView({ id }: { readonly id: string }) {
  const followed = useJob(id);
  const { job, failure, live } = followed;
  const [refused, setRefused] = useState<Failure>();
  const { back } = useLocation();
  useKeys({ Escape: back });
  useTitle(job === undefined ? 'Job' : `${job.type} · ${job.status.toLowerCase()}`);
  if (job === undefined) return <Missing failure={failure} />;
  return (
    <>
      <header class="page-head">
        <BackToJobs />
        <h1>
          {job.type} <Status status={job.status} stopping={job.cancelRequested} />
        </h1>
        {!job.done && <LiveState live={live} />}
        <JobActions job={job} onChange={change} onFailure={(error) => setRefused(toFailure(error))} />
      </header>
      <p class="id">
        <code>{job.id}</code> <Copy text={job.id} what="id" />
      </p>
      {refused !== undefined && <FailureNotice failure={refused} />}
      {failure !== undefined && <FailureNotice failure={failure} />}
      <div class="columns">
        <div>
          {job.error !== null && <ErrorPanel job={job} />}
          <Panel title="Timeline">
            <Timeline job={job} messages={followed.messages} />
          </Panel>
          <Output id={id} done={job.done} />
          <Deliveries job={job} />
          <Data followed={followed} done={job.done} />
        </div>
        <Facts job={job} />
      </div>
    </>
  );

  function change(changed: JobDetails): void {
    setRefused(undefined);
    followed.show(changed);
  }
}

function BackToJobs() {
  const paths = usePaths();
  const { lastList } = useConsole();
  return (
    <a class="back" href={paths.jobs(lastList.current)} aria-label="Jobs" title="Jobs">
      <BackIcon />
    </a>
  );
}

function Missing({ failure }: { readonly failure: Failure | undefined }) {
  const paths = usePaths();
  if (failure === undefined) return <p class="soft loading">Loading…</p>;
  if (failure.code !== 'NOT_FOUND' && failure.code !== 'EXPIRED') return <FailureNotice failure={failure} />;
  const isExpired = failure.code === 'EXPIRED';
  return (
    <Empty title={isExpired ? 'The job has expired' : 'There is no such job'}>
      <p>
        {isExpired
          ? 'It ended so long ago that it was removed, with its input and its result.'
          : 'Its id may be wrong, or it may be another caller’s.'}
      </p>
      <p>
        <a href={paths.jobs()}>Show the jobs</a>
      </p>
    </Empty>
  );
}

function ErrorPanel({ job: { error, status } }: { readonly job: JobDetails }) {
  return (
    <section class={`panel outcome ${status.toLowerCase()}`} aria-label="Error">
      <h2>
        <code>{error?.code}</code>
      </h2>
      <p class="text">{error?.message}</p>
    </section>
  );
}

function Data({ followed: { data }, done }: { readonly followed: FollowedJob; readonly done: boolean }) {
  return (
    <>
      {data?.result !== undefined && (
        <Panel title="Result">
          <FileLinks value={data.result} />
          <JsonView value={data.result} what="result" />
        </Panel>
      )}
      <Panel title="Input">
        {data === undefined ? (
          <p class="soft">Loading…</p>
        ) : data.input === undefined ? (
          <p class="soft">{done ? 'The input is no longer kept.' : 'There is no input.'}</p>
        ) : (
          <>
            <FileLinks value={data.input} />
            <JsonView value={data.input} what="input" />
          </>
        )}
      </Panel>
    </>
  );
}

function Facts({ job }: { readonly job: JobDetails }) {
  const paths = usePaths();
  const showsCaller = useSession().caller !== undefined;
  return (
    <Panel title="Facts">
      <dl class="facts">
        <Fact name="Attempt">
          {job.attempt} of {job.maxAttempts}
        </Fact>
        <Fact name="Created">
          <Ago at={job.createdAt} />
        </Fact>
        {job.scheduledFor !== null && (
          <Fact name="Scheduled">
            <Ago at={job.scheduledFor} />
          </Fact>
        )}
        {job.startBefore !== null && (
          <Fact name="Start before">
            <Ago at={job.startBefore} />
          </Fact>
        )}
        {job.startedAt !== null && (
          <Fact name="Started">
            <Ago at={job.startedAt} />
          </Fact>
        )}
        {job.finishedAt !== null && (
          <Fact name="Finished">
            <Ago at={job.finishedAt} />
          </Fact>
        )}
        {job.startedAt !== null && job.status !== 'PENDING' && (
          <Fact name="Ran">
            <Elapsed from={job.startedAt} to={job.finishedAt} />
          </Fact>
        )}
        {job.expiresAt !== null && (
          <Fact name="Removed">
            <Ago at={job.expiresAt} />
          </Fact>
        )}
        {job.priority > 0 && <Fact name="Priority">{job.priority}</Fact>}
        {job.tags.length > 0 && (
          <Fact name="Tags">
            <span>
              {job.tags.map((tag, index) => (
                <Fragment key={tag}>
                  {index > 0 && ', '}
                  <a href={paths.jobs(toQuery({ ...NO_FILTER, tag }))}>{tag}</a>
                </Fragment>
              ))}
            </span>
          </Fact>
        )}
        {showsCaller && job.caller !== null && (
          <Fact name="Caller">
            <a class="clip" href={paths.jobs(toQuery({ ...NO_FILTER, caller: job.caller }))}>
              {job.caller}
            </a>
          </Fact>
        )}
        {job.traceId !== null && (
          <Fact name="Trace id">
            <span class="clip" title={job.traceId}>
              <code>{job.traceId}</code>
            </span>
            <Copy text={job.traceId} what="trace id" />
          </Fact>
        )}
        {LINKS.map(([field, name]) => {
          const url = job[field];
          return (
            url !== null && (
              <Fact key={field} name={name}>
                <span class="clip" title={url}>
                  <code>{new URL(url).pathname}</code>
                </span>
                <Copy text={url} what={name} />
              </Fact>
            )
          );
        })}
      </dl>
    </Panel>
  );
}

const LINKS = [
  ['statusUrl', 'Status URL'],
  ['resultUrl', 'Result URL'],
  ['resourceUrl', 'Resource URL'],
] as const;

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
