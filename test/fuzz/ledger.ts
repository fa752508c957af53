import type { FuzzRequest, Reply } from './send.ts';

/** The accepted jobs by the replies, recorded outside the system. */
export interface Ledger {
  /** Fills job ids into the placeholders of a request. */
  fill<Request extends FuzzRequest>(request: Request): Request;
  /** Records the job id in the reply to a submission. */
  note(request: FuzzRequest, reply: Reply): void;
  accepted(): readonly string[];
}

/** `{job:7}`, also URL-encoded. */
const PLACE = /(?:\{|%7B)job(?::|%3A)(\d+)(?:\}|%7D)/g;
const LOCATION = /\/api\/jobs\/([\w-]+)$/;
/** Finds the id by the selections of these tests' documents. */
const JOB_ID = /"jobId":"([\w-]+)"/g;

export function createLedger(): Ledger {
  const ids = new Set<string>();
  const list: string[] = [];
  const add = (id: string | undefined): void => {
    if (id === undefined || ids.has(id)) return;
    ids.add(id);
    list.push(id);
  };
  const fillText = (text: string): string =>
    text.replaceAll(PLACE, (_, place: string) => list[Number(place) % Math.max(1, list.length)] ?? 'none');
  return {
    fill: (request) => ({
      ...request,
      path: fillText(request.path),
      ...(typeof request.body === 'string' && { body: fillText(request.body) }),
    }),
    note({ method, path }, { status, headers, body }) {
      if (method !== 'POST') return;
      if (status === 202) add(LOCATION.exec(headers.get('location') ?? '')?.[1]);
      if (status === 200 && path === '/graphql') for (const [, id] of body.matchAll(JOB_ID)) add(id);
    },
    accepted: () => list,
  };
}
