import { jobStatusSchema } from '../../core/job.ts';
import type { Registry } from '../../core/registry.ts';
import type { Parameter, Reference } from './types.ts';

const ANY_CASE = 'Its name and its values are case-insensitive.';

/** Without examples: pages to try operations out would send them as they are. */
const PARAMETERS = {
  jobId: {
    name: 'id',
    in: 'path',
    required: true,
    description: "The job's id, such as `customer_ku9AYxTRGnLLm3ywHtGZ4Q`, from the reply to its submission.",
    schema: { type: 'string' },
  },
  onPending: {
    name: 'onPending',
    in: 'query',
    description: `How a job that is not done is answered: with 202 (\`accepted\`), with 200 (\`ok\`), or by holding the reply until it is done or the time of \`Prefer: wait\` is over, 30 seconds unless told (\`synchronous\`). ${ANY_CASE}`,
    schema: { type: 'string', enum: ['accepted', 'ok', 'synchronous'], default: 'accepted' },
  },
  onComplete: {
    name: 'onComplete',
    in: 'query',
    description: `How a job that is done is answered: with 303 to its resource or result (\`redirect\`), with 200 and the result (\`stream\`), or with 200 and the job (\`status\`). ${ANY_CASE}`,
    schema: { type: 'string', enum: ['redirect', 'stream', 'status'], default: 'redirect' },
  },
  prefer: {
    name: 'Prefer',
    in: 'header',
    description:
      '`wait=N`, as in `wait=10`, holds the reply until the job is done, or N seconds are over (RFC 7240, section 4.3). More than 60 counts as 60.',
    schema: { type: 'string' },
  },
  ifNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    description:
      'The `ETag` of an earlier reply: if nothing has changed since, the reply is 304 (RFC 9110, section 13.1.2).',
    schema: { type: 'string' },
  },
  idempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'Makes it safe to send the request again: the same key gives the same job for as long as that is kept. A string in quotes (RFC 9651, section 3.3.3) of 1 to 255 printable ASCII characters, such as `"8e03978e-40d5-43dd-bc93-6894a57f9324"`.',
    schema: { type: 'string', pattern: '^"[ -~]{1,255}"$' },
  },
  lastEventId: {
    name: 'Last-Event-ID',
    in: 'header',
    description: 'The `id` of the last event that was received: a state that the client has is not repeated.',
    schema: { type: 'string' },
  },
  status: {
    name: 'status',
    in: 'query',
    description: 'Only jobs with this status. May be repeated, or hold several with commas between; case-insensitive.',
    schema: { type: 'array', items: { type: 'string', enum: [...jobStatusSchema.options] } },
  },
  limit: {
    name: 'limit',
    in: 'query',
    description: 'The most jobs on a page.',
    schema: { type: 'integer', minimum: 1, maximum: 100, default: 20 },
  },
  cursor: {
    name: 'cursor',
    in: 'query',
    description: 'The `nextCursor` of the page before.',
    schema: { type: 'string' },
  },
} as const satisfies Record<string, Parameter>;

export const parameterComponents: Readonly<Record<string, Parameter>> = PARAMETERS;

export function parameter(name: keyof typeof PARAMETERS): Reference {
  return { $ref: `#/components/parameters/${name}` };
}

export function typeParameter({ types }: Registry): Parameter {
  return {
    name: 'type',
    in: 'query',
    description: 'Only jobs of this type.',
    schema: { type: 'string', enum: types.map(({ name }) => name) },
  };
}
