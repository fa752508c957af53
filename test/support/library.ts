/** Books, which the jobs of the tests validate and store. */
import { z } from 'zod';
import { type DatabasePool, JobError, providerKey } from '../../src/index.ts';

/** A stored book, as callers read it. */
export const bookSchema = z
  .object({
    id: z.string().meta({ examples: ['42'] }),
    title: z.string().meta({ examples: ['Jane Eyre'] }),
    publisher: z.string().nullable(),
    isbn: z
      .string()
      .nullable()
      .meta({ description: '10 or 13 digits.', examples: ['9780141441146'] }),
    language: z
      .string()
      .nullable()
      .meta({ description: 'In lower case.', examples: ['en'] }),
    updatedAt: z.iso.datetime().meta({ description: 'When the book was last written.' }),
  })
  .meta({ id: 'Book', description: 'A stored book.' });
export type Book = z.output<typeof bookSchema>;

/** A submitted book: lists of rules, optional fields and texts of limited length. */
export const newBookSchema = z
  .object({
    id: z
      .string()
      .min(1)
      .max(64)
      .meta({ examples: ['42'] }),
    title: z
      .string()
      .max(200)
      .regex(/\S/, 'Too small: expected at least one character other than white space')
      .meta({ description: 'Runs of white space become one space.', examples: ['Jane Eyre'] }),
    publisher: z.string().max(200).nullish(),
    isbn: z
      .string()
      .max(20)
      .nullish()
      .meta({ description: '10 or 13 digits, with or without hyphens.', examples: ['978-0-14-144114-6'] }),
    language: z
      .string()
      .max(35)
      .nullish()
      .meta({ examples: ['EN'] }),
  })
  .meta({ id: 'NewBook' });

/** A book ready for the database, which adds the time. */
type NormalBook = Omit<Book, 'updatedAt'>;

/** @throws JobError `INVALID_ISBN`, without a retry, which could not succeed */
export function normalizeBook({ id, title, publisher, isbn, language }: z.output<typeof newBookSchema>): NormalBook {
  const digits = isbn?.replaceAll(/[\s-]/g, '') ?? null;
  if (digits !== null && !/^(\d{13}|\d{9}[\dX])$/.test(digits))
    throw new JobError('INVALID_ISBN', 'Not a valid ISBN. Use 10 or 13 digits.', { retry: false });
  return {
    id,
    title: title.trim().replaceAll(/\s+/gu, ' '),
    publisher: publisher ?? null,
    isbn: digits,
    language: language?.toLowerCase() ?? null,
  };
}

/** Reads and writes books. */
export interface Library {
  find(id: string): Promise<Book | undefined>;
  /**
   * Inserts or updates books with unique ids in one statement.
   * @returns them as stored, and which of them this job created, in this attempt or an earlier one
   */
  put(books: readonly NormalBook[], jobId: string): Promise<readonly { book: Book; isNew: boolean }[]>;
}

export const library = providerKey<Library>('library');

const COLUMNS = 'id, title, publisher, isbn, language, updated_at';

interface Row extends NormalBook {
  readonly updated_at: Date;
  readonly created_by: string;
}

/** Creates the table where it is missing. Several processes may start at once, which the lock puts in a row. */
export async function openLibrary(pool: Pick<DatabasePool, 'query'>): Promise<Library> {
  await pool.query(`DO $$ BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('library'));
    CREATE SCHEMA IF NOT EXISTS library;
    CREATE TABLE IF NOT EXISTS library.books (
      id text PRIMARY KEY, title text NOT NULL, publisher text, isbn text, language text,
      created_by text NOT NULL, updated_at timestamptz NOT NULL DEFAULT now());
  END $$`);
  return {
    async find(id) {
      const { rows } = await pool.query<Row>(`SELECT ${COLUMNS} FROM library.books WHERE id = $1`, [id]);
      return rows.map(toBook)[0];
    },
    async put(books, jobId) {
      if (books.length === 0) return [];
      // A fixed order keeps two statements over the same rows from deadlocking.
      const values = books
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
        .flatMap(({ id, title, publisher, isbn, language }) => [id, title, publisher, isbn, language]);
      const places = books.map(
        (_, row) => `(${[1, 2, 3, 4, 5].map((column) => `$${row * 5 + column + 1}`).join()}, $1)`,
      );
      const { rows } = await pool.query<Row>(
        `INSERT INTO library.books (id, title, publisher, isbn, language, created_by) VALUES ${places.join()}
          ON CONFLICT (id) DO UPDATE SET
            title = excluded.title, publisher = excluded.publisher, isbn = excluded.isbn,
            language = excluded.language, updated_at = now()
          RETURNING ${COLUMNS}, created_by`,
        [jobId, ...values],
      );
      return rows.map((row) => ({ book: toBook(row), isNew: row.created_by === jobId }));
    },
  };
}

function toBook({ id, title, publisher, isbn, language, updated_at: updatedAt }: Row): Book {
  return { id, title, publisher, isbn, language, updatedAt: updatedAt.toISOString() };
}
