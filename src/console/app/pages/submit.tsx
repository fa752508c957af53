import { useLocation, useRoute } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';
import { usePaths, useServer, useSession } from '../context.ts';
import { OPTIONS, type SubmittableType } from '../../session.ts';
import { type Failure, toFailure } from '../data/failure.ts';
import { InputForm } from '../form/input-form.tsx';
import { Empty, FailureNotice } from '../parts/notice.tsx';
import { useTitle } from '../parts/use-title.ts';

/** Submits a job of any type. */
export function SubmitPage() {
  useTitle('Submit');
  const { jobTypes } = useSession();
  const paths = usePaths();
  const { route } = useLocation();
  const { params, query } = useRoute();
  const { from } = query;
  const name = params['type'] ?? (jobTypes.length === 1 ? jobTypes[0]?.name : undefined);
  const type = jobTypes.find((each) => each.name === name);
  return (
    <>
      <header class="page-head">
        <h1>Submit a job</h1>
      </header>
      <div class="narrow">
        <div class="field">
          <label for="job-type">Job type</label>
          <select
            id="job-type"
            value={type?.name ?? ''}
            onChange={({ currentTarget }) => route(paths.submit(currentTarget.value), true)}
          >
            <option value="" disabled>
              Choose…
            </option>
            {jobTypes.map((each) => (
              <option key={each.name} value={each.name}>
                {each.name}
              </option>
            ))}
          </select>
          {type !== undefined && <p class="hint">{type.description}</p>}
        </div>
        {type !== undefined && <Submission key={`${type.name} ${from ?? ''}`} type={type} from={from} />}
        {type === undefined && name !== undefined && <Empty title={`There is no job type ${name}`} />}
        {name === undefined && <Empty title="Choose what is to be done" />}
      </div>
    </>
  );
}

interface SubmissionProps {
  readonly type: SubmittableType;
  /** The job whose input it begins with. */
  readonly from: string | undefined;
}

function Submission({ type, from }: SubmissionProps) {
  const server = useServer();
  const { options } = useSession();
  const paths = usePaths();
  const { route } = useLocation();
  const [initial, setInitial] = useState<{ readonly input: unknown } | undefined>(
    from === undefined ? { input: undefined } : undefined,
  );
  const [failure, setFailure] = useState<Failure>();
  useEffect(() => {
    if (from === undefined) return;
    server.jobData(from).then(setInitial, (error: unknown) => {
      setFailure(toFailure(error));
      setInitial({ input: undefined });
    });
  }, [server, from]);
  if (initial === undefined) return <p class="soft loading">Loading…</p>;
  return (
    <>
      {failure !== undefined && <FailureNotice failure={failure} />}
      <InputForm
        schema={type.schema}
        initial={initial.input}
        extra={{ name: OPTIONS, label: 'Options', schema: options }}
        onSubmit={async (input, given) => route(paths.job(await server.submit(type.name, { input, [OPTIONS]: given })))}
      />
    </>
  );
}
