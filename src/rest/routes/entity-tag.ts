import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Job } from '../../core/job.ts';
import { sendJson } from '../json-reply.ts';

/** Tells one state of a job from another; also the id of its event. */
export function versionOf({ status, attempt, percentComplete, lastUpdatedAt }: Job): string {
  return `${status}-${attempt}-${percentComplete}-${lastUpdatedAt.getTime().toString(36)}`;
}

/**
 * Sends a body that changes with the job alone, or 304 if the client has it (RFC 9110, section 13.1.2). The tag is weak: the
 * advice of when to ask again changes with the time.
 * @param toJson makes the body, if it is sent
 */
export function sendTagged(request: FastifyRequest, reply: FastifyReply, job: Job, toJson: () => string): FastifyReply {
  const tag = tagOf(job);
  reply.header('ETag', tag);
  const known = request.headers['if-none-match'];
  if (known !== undefined && isKnown(known, tag)) return reply.status(304).send();
  return sendJson(reply, toJson());
}

export function tagOf(job: Job): string {
  return `W/"${versionOf(job)}"`;
}

/** A weak comparison (RFC 9110, section 8.8.3.2). */
function isKnown(header: string, tag: string): boolean {
  return header.split(',').some((each) => each.trim() === '*' || opaque(each) === opaque(tag));
}

function opaque(tag: string): string {
  return tag.trim().replace(/^W\//, '');
}
