/** Conditional requests (RFC 9110, section 13). */
import type { FastifyRequest } from 'fastify';

/** Whether the client has the representation with this tag, so that 304 is enough. */
export function isTagKnown({ headers }: FastifyRequest, tag: string): boolean {
  const known = headers['if-none-match'];
  return known !== undefined && includesTag(known, tag);
}

/** Whether a list of tags has one of the same representation, by the weak comparison (RFC 9110, section 8.8.3.2). */
export function includesTag(list: string, tag: string): boolean {
  return list.split(',').some((each) => each.trim() === '*' || opaque(each) === opaque(tag));
}

function opaque(tag: string): string {
  return tag.trim().replace(/^W\//, '');
}
