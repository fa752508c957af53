/**
 * A page that shows what the hooks return. Its address says which: `?id=…` follows a job, with `&output` its output; else it submits with
 * `?resumeKey=…&jobOptions=…`.
 */
import { StrictMode, useEffect, useState, version } from 'react';
import { createRoot, hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server.browser';
import { createClient } from '../../../src/client/client.ts';
import { type JobState, useJob, useOutput, useSubmit } from '../../../src/react/react.ts';

interface JobTypes {
  readonly scripted: { readonly input: { readonly text: string }; readonly result: { readonly text: string } };
}

const client = createClient<JobTypes>({ baseUrl: '', collections: { scripted: 'scripted-jobs' } });
const options = new URL(location.href).searchParams;
/** Those of each submission. */
const jobOptions = JSON.parse(options.get('jobOptions') ?? '{}');
/** What was shown, in order, as JSON. */
const states: string[] = [];
const recoveredErrors: unknown[] = [];
Object.assign(window, { states, recoveredErrors, version });

function Shown({ state }: { readonly state: JobState<{ readonly text: string }, 'scripted'> }) {
  const { status, percentComplete, message, result, error, job } = state;
  const shown = JSON.stringify({
    id: job?.id,
    status,
    percentComplete,
    message,
    text: result?.text,
    error: error?.message,
  });
  useEffect(() => void states.push(shown), [shown]);
  return <output>{shown}</output>;
}

function Submitted() {
  const job = useSubmit(client, 'scripted', { resumeKey: options.get('resumeKey') ?? undefined });
  const [input, setInput] = useState('');
  return (
    <>
      <input value={input} onChange={(event) => setInput(event.target.value)} />
      <button onClick={() => job.submit(JSON.parse(input), jobOptions)}>Submit</button>
      <button onClick={job.cancel}>Cancel</button>
      <button onClick={job.reset}>Reset</button>
      <Shown state={job} />
    </>
  );
}

function Followed() {
  const [id, setId] = useState(options.get('id'));
  const job = useJob(client, id === '' ? null : id, { accessToken: options.get('accessToken') ?? undefined });
  return (
    <>
      <input value={id ?? ''} onChange={(event) => setId(event.target.value)} />
      <button onClick={job.cancel}>Cancel</button>
      <Shown state={job} />
    </>
  );
}

/** Shows the output of a job, each rendering of which is pushed to `states`. */
function Published() {
  const [id, setId] = useState(options.get('id'));
  const { values, done, error } = useOutput(client, id === '' ? null : id, {
    accessToken: options.get('accessToken') ?? undefined,
  });
  const shown = JSON.stringify({ values, done, error: error?.message });
  useEffect(() => void states.push(shown), [shown]);
  return (
    <>
      <input value={id ?? ''} onChange={(event) => setId(event.target.value)} />
      <output>{shown}</output>
    </>
  );
}

function Page() {
  const [isMounted, setMounted] = useState(true);
  const followed = options.has('output') ? <Published /> : <Followed />;
  const view = options.has('id') ? followed : <Submitted />;
  return (
    <>
      <button onClick={() => setMounted(!isMounted)}>Mount</button>
      {isMounted && view}
    </>
  );
}

const page = options.has('strict') ? (
  <StrictMode>
    <Page />
  </StrictMode>
) : (
  <Page />
);
const root = document.body.appendChild(document.createElement('main'));
if (options.has('hydrate')) {
  root.innerHTML = renderToString(page);
  hydrateRoot(root, page, { onRecoverableError: (error) => recoveredErrors.push(error) });
} else {
  createRoot(root).render(page);
}
