import { useEffect, useState } from 'preact/hooks';
import { useServer } from '../context.ts';
import { type Failure, toFailure } from '../data/failure.ts';
import { DeliveriesDocument, type DeliveryFragment, RedeliverWebhookDocument } from '../data/generated/graphql.ts';
import type { JobDetails } from '../data/use-job.ts';
import { formatDuration } from '../format.ts';
import { FailureNotice } from '../parts/notice.tsx';
import { Panel } from '../parts/panel.tsx';
import { Ago } from '../parts/time.tsx';

/** Milliseconds between two reads while a delivery is on its way. */
const READ_AGAIN_MS = 2000;

const STATUS = {
  PENDING: { name: 'Pending', like: 'pending' },
  DELIVERED: { name: 'Delivered', like: 'succeeded' },
  FAILED: { name: 'Given up', like: 'failed' },
} as const;

/** How the ends of a job were told to its webhook. Nothing for a job without one. */
export function Deliveries({ job: { id, status } }: { readonly job: JobDetails }) {
  const server = useServer();
  const [deliveries, setDeliveries] = useState<readonly DeliveryFragment[]>([]);
  const [failure, setFailure] = useState<Failure>();
  const [round, setRound] = useState(0);
  const isPending = deliveries.some((delivery) => delivery.status === 'PENDING');

  useEffect(() => {
    let left = false;
    server.query(DeliveriesDocument, { id }).then(
      ({ jobStatus }) => left || setDeliveries(jobStatus?.deliveries ?? []),
      (error: unknown) => left || setFailure(toFailure(error)),
    );
    return () => {
      left = true;
    };
  }, [server, id, status, round]);

  useEffect(() => {
    if (!isPending) return undefined;
    const timer = setInterval(() => document.hidden || setRound((before) => before + 1), READ_AGAIN_MS);
    return () => clearInterval(timer);
  }, [isPending]);

  if (deliveries.length === 0 && failure === undefined) return null;
  return (
    <Panel title="Webhook">
      {failure !== undefined && <FailureNotice failure={failure} />}
      {deliveries.map((delivery) => (
        <DeliveryView key={delivery.id} delivery={delivery} onRedeliver={() => void redeliver(delivery.id)} />
      ))}
    </Panel>
  );

  async function redeliver(deliveryId: string): Promise<void> {
    setFailure(undefined);
    try {
      await server.query(RedeliverWebhookDocument, { jobId: id, deliveryId });
      setRound((before) => before + 1);
    } catch (error) {
      setFailure(toFailure(error));
    }
  }
}

interface DeliveryProps {
  readonly delivery: DeliveryFragment;
  onRedeliver(): void;
}

function DeliveryView({ delivery: { event, status, url, nextAttemptAt, attempts }, onRedeliver }: DeliveryProps) {
  const { name, like } = STATUS[status];
  const { host } = new URL(url);
  return (
    <div class="delivery">
      <p class="step-head">
        <strong>{event}</strong>
        <span class={`code ${like}`}>{name}</span>
        <span class="soft clip" title={url}>
          {host}
        </span>
        <button type="button" onClick={onRedeliver}>
          Send again
        </button>
      </p>
      <ol class="messages">
        {attempts.map(({ at, durationMs, statusCode, error }) => (
          <li key={at}>
            <Ago at={at} />
            <span class="number">{formatDuration(durationMs)}</span>
            <code>{error ?? statusCode}</code>
          </li>
        ))}
        {status === 'PENDING' && nextAttemptAt !== null && (
          <li class="soft">
            next attempt <Ago at={nextAttemptAt} />
          </li>
        )}
      </ol>
    </div>
  );
}
