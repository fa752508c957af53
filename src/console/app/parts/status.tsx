import type { JobStatus } from '../data/generated/graphql.ts';
import { STATUS_SHAPES } from './icons.tsx';

export const STATUS_NAMES: Readonly<Record<JobStatus, string>> = {
  PENDING: 'Pending',
  RUNNING: 'Running',
  SUCCEEDED: 'Succeeded',
  FAILED: 'Failed',
  CANCELED: 'Canceled',
};

interface StatusProps {
  readonly status: JobStatus;
  /** Whether the running job was told to stop. */
  readonly stopping?: boolean;
}

export function Status({ status, stopping = false }: StatusProps) {
  return (
    <span class={`status ${status.toLowerCase()}`}>
      {STATUS_SHAPES[status]}
      {stopping && status === 'RUNNING' ? 'Stopping' : STATUS_NAMES[status]}
    </span>
  );
}

interface ProgressProps {
  readonly percent: number;
  readonly message: string | null;
}

/** How far a running job is, and what it says. */
export function Progress({ percent, message }: ProgressProps) {
  return (
    <span class="progress">
      <progress max={100} value={percent} aria-label="Progress">
        {percent} %
      </progress>
      <span class="number">{percent} %</span>
      {message !== null && <span class="soft clip">{message}</span>}
    </span>
  );
}
