import { z } from 'zod';
import { JobError, defineJob } from '../../../../src/index.ts';
import { library, newBookSchema, normalizeBook } from '../../library.ts';

const BATCH_SIZE = 250;
const MAX_ROWS = 10_000;

const rejectedSchema = z
  .object({ index: z.int().min(0).max(MAX_ROWS), code: z.string(), message: z.string() })
  .meta({ id: 'RejectedBook' });

/** A job type with a list as its input, which reports progress and makes no resource. */
export default defineJob({
  name: 'bookImport',
  collection: 'book-imports',
  description: 'Stores a list of books.',
  input: z.object({
    books: z.array(newBookSchema).min(1).max(MAX_ROWS).describe('1 to 10,000 books.'),
  }),
  result: z.object({
    imported: z.int().min(0),
    updated: z.int().min(0),
    rejected: z.array(rejectedSchema).max(MAX_ROWS).describe('The invalid rows, in the order of the list.'),
  }),
  timeoutSeconds: 600,
  concurrency: 2,
  async run({ books }, job) {
    const seen = new Set<string>();
    const rejected: z.output<typeof rejectedSchema>[] = [];
    const counts = { imported: 0, updated: 0 };
    for (let start = 0; start < books.length; start += BATCH_SIZE) {
      job.signal.throwIfAborted();
      const end = Math.min(start + BATCH_SIZE, books.length);
      const valid = books.slice(start, end).flatMap((book, position) => {
        try {
          if (seen.has(book.id)) throw new JobError('DUPLICATE_ID', 'An earlier row has the same id.');
          seen.add(book.id);
          return [normalizeBook(book)];
        } catch (error) {
          if (!(error instanceof JobError)) throw error;
          rejected.push({ index: start + position, code: error.code, message: error.message });
          return [];
        }
      });
      for (const { isNew } of await job.use(library).put(valid, job.id)) counts[isNew ? 'imported' : 'updated'] += 1;
      await job.progress((end / books.length) * 100, `${end} of ${books.length} books`);
    }
    return { ...counts, rejected };
  },
});
