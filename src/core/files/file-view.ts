import { z } from 'zod';

/** A file as callers read it. */
export const fileViewSchema = z.object({
  id: z.string().describe('Of the file within its job.'),
  name: z.string().describe('Its name, as its author or uploader chose it.'),
  contentType: z.string().describe('Its media type.'),
  size: z.int().min(0).describe('Its size in bytes.'),
  sha256: z.string().nullable().describe('Its SHA-256 in hexadecimal, where this server saw its bytes.'),
  url: z.url().describe('Where to read it, without credentials, until it expires. Read the job again for another one.'),
  expiresAt: z.date().describe('When the URL expires.'),
});
