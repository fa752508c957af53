import { z } from 'zod';

/** The fields and bounds of the job type `customer`. */
const inputSchema = z.strictObject({
  id: z.string().min(1).max(64),
  customername: z.string().regex(/\S/).max(200),
  email: z.string().nullable().optional(),
  phone: z.string().nullable().optional(),
  country: z.string().nullable().optional(),
});

export type CustomerInput = z.output<typeof inputSchema>;

export const ATTEMPTS = 3;

/** Fastify and Express reply with the status of the error. */
class BadInput extends Error {
  readonly statusCode = 400;
}

/** @throws BadInput */
export function parseInput(body: unknown): CustomerInput {
  const parsed = inputSchema.safeParse(body);
  if (!parsed.success) throw new BadInput(parsed.error.issues[0]?.message);
  return parsed.data;
}

/** The status of the reply to an error. */
export function statusOf(error: unknown): number {
  return error instanceof BadInput ? error.statusCode : 500;
}

/** The result of every job of the contenders' workers. */
export const RESULT = {
  id: '42',
  customername: 'Ada Lovelace',
  email: 'ada@example.com',
  phone: '+442079460000',
  country: 'GB',
  updatedAt: '2026-03-01T12:00:00.250Z',
};
