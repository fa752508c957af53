import { useSubmit } from 'accepted/react';
import { createRoot } from 'react-dom/client';
import { createClient } from '../accepted.client.ts'; // from `npm run generate`

const client = createClient({ baseUrl: '' });

function Greeting() {
  const job = useSubmit(client, 'greeting', { resumeKey: 'greeting' });
  if (job.status === 'Idle') return <button onClick={() => job.submit({ name: 'Ada' })}>Greet Ada</button>;
  if (job.status === 'Succeeded') return <p>{job.result.text}</p>;
  return (
    <>
      <progress max={100} value={job.percentComplete} /> {job.message}
      {job.error && <p>{job.error.message}</p>}
      <button onClick={job.cancel}>Cancel</button>
      <button onClick={job.reset}>Start over</button>
    </>
  );
}

const root = document.getElementById('root');
if (root) createRoot(root).render(<Greeting />);
