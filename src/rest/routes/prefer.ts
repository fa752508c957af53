import type { FastifyReply, FastifyRequest } from 'fastify';
import { MAX_WAIT_SECONDS } from '../../core/service/service.ts';

/** One preference of RFC 7240, section 2: a token, and perhaps a value, as a token or in quotes. */
const PREFERENCE = /^\s*([!#$%&'*+.^_`|~\w-]+)(?:\s*=\s*(?:([!#$%&'*+.^_`|~\w-]+)|"((?:[^"\\]|\\.)*)"))?\s*(?:;|$)/;
/** Commas inside quotes separate nothing. A quote that never ends takes all behind it: from there, nothing is read again. */
const SEPARATED = /(?:[^,"]|"(?:[^"\\]|\\.)*(?:"|\\?$))+/g;

/**
 * How long the client would like its reply to be held: `Prefer: wait=N` (RFC 7240, section 4.3), in seconds, 60 at most.
 * Of several, the first counts. Undefined: it did not say, or what it said is no whole number, which is ignored (section 2).
 */
export function parseWait(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  const text = Array.isArray(header) ? header.join(',') : header;
  for (const [preference] of text.matchAll(SEPARATED)) {
    const [, name, token, quoted] = PREFERENCE.exec(preference) ?? [];
    if (name?.toLowerCase() !== 'wait') continue;
    const value = token ?? quoted ?? '';
    return /^\d+$/.test(value) ? Math.min(Number(value), MAX_WAIT_SECONDS) : undefined;
  }
  return undefined;
}

/** What `Prefer` says, if anything; the reply tells that it is honoured (RFC 7240, section 3). */
export function readWait(request: FastifyRequest, reply: FastifyReply): number | undefined {
  const vary = reply.getHeader('Vary');
  reply.header('Vary', vary === undefined ? 'Prefer' : `${String(vary)}, Prefer`);
  const wait = parseWait(request.headers.prefer);
  if (wait !== undefined) reply.header('Preference-Applied', `wait=${wait}`);
  return wait;
}
