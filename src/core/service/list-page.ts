import { z } from 'zod';
import type { Job } from '../job.ts';
import type { ListPosition } from '../ports.ts';

const CURSOR = /^(\d{1,15})\.([\w-]{1,64})$/;

/** The cursor of a job's position in a list. Clients treat it as opaque. */
export function toCursor({ createdAt, id }: Job): string {
  return Buffer.from(`${createdAt.getTime()}.${id}`).toString('base64url');
}

export const cursorSchema = z.string().transform((cursor, context): ListPosition => {
  const [, createdAt, id] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (createdAt !== undefined && id !== undefined) return { createdAt: new Date(Number(createdAt)), id };
  context.addIssue({ code: 'custom', message: 'Invalid cursor: expected one from an earlier page' });
  return z.NEVER;
});

/** Jobs on a page when the request does not set a size. */
export const DEFAULT_PAGE_SIZE = 20;
export const MAX_PAGE_SIZE = 100;

const PAGE_SIZE = `Invalid page size: expected a whole number from 1 to ${MAX_PAGE_SIZE}`;
export const pageSizeSchema = z.int(PAGE_SIZE).min(1, PAGE_SIZE).max(MAX_PAGE_SIZE, PAGE_SIZE);
