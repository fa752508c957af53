import { useState } from 'preact/hooks';
import { usePaths, useServer, useSession } from '../context.ts';
import { CancelJobDocument, RetryJobDocument } from '../data/generated/graphql.ts';
import type { JobDetails } from '../data/use-job.ts';

interface JobActionsProps {
  readonly job: JobDetails;
  readonly onChange: (job: JobDetails) => void;
  readonly onFailure: (error: unknown) => void;
}

/** What a caller can do with a job now. */
export function JobActions({ job, onChange, onFailure }: JobActionsProps) {
  const server = useServer();
  const paths = usePaths();
  const { jobTypes } = useSession();
  const [busy, setBusy] = useState(false);
  const { id, status, type, cancelRequested } = job;
  const variables = { id };
  return (
    <div class="actions">
      {!job.done && (
        <button type="button" class="danger" disabled={busy || cancelRequested} onClick={cancel}>
          Cancel
        </button>
      )}
      {(status === 'FAILED' || status === 'CANCELED') && (
        <button type="button" class="primary" disabled={busy} onClick={retry}>
          Retry
        </button>
      )}
      {jobTypes.some(({ name }) => name === type) && (
        <a class="button" href={paths.submit(type, id)}>
          Submit again with changes
        </a>
      )}
    </div>
  );

  function cancel(): void {
    void run(async () => (await server.query(CancelJobDocument, variables)).cancelJob);
  }

  function retry(): void {
    void run(async () => (await server.query(RetryJobDocument, variables)).retryJob);
  }

  async function run(action: () => Promise<JobDetails | null>): Promise<void> {
    setBusy(true);
    try {
      const changed = await action();
      if (changed !== null) onChange(changed);
    } catch (error) {
      onFailure(error);
    } finally {
      setBusy(false);
    }
  }
}
