import { defineJob } from '../../../../src/index.ts';
import { bookSchema, library, newBookSchema, normalizeBook } from '../../library.ts';

/** A job type that makes a resource, and fails for an invalid ISBN. */
export default defineJob({
  name: 'book',
  collection: 'books',
  description: 'Stores a book.',
  // A copy, which is named after this job type.
  input: newBookSchema.extend({}),
  result: bookSchema,
  resource: {
    idOf: ({ id }) => id,
    find: (id, use) => use(library).find(id),
  },
  async run(input, job) {
    const [stored] = await job.use(library).put([normalizeBook(input)], job.id);
    if (stored === undefined) throw new Error('the database returned no row');
    return stored.book;
  },
});
