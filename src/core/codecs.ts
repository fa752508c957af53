/**
 * Codecs for what JSON has no values of: a job's function works with the value, and callers send and read text. They serve in inputs and
 * in results alike.
 */
import { z } from 'zod';

/** A `Date`, which callers see as a date and time, such as 2026-03-01T12:00:00.000Z. */
export const isoDatetimeToDate = z.codec(z.iso.datetime({ offset: true }), z.date(), {
  decode: (text) => new Date(text),
  encode: (date) => date.toISOString(),
});

/** A `Date` at the start of a day in UTC, which callers see as a date, such as 2026-03-01. */
export const isoDateToDate = z.codec(z.iso.date(), z.date(), {
  decode: (text) => new Date(`${text}T00:00:00.000Z`),
  encode: (date) => date.toISOString().slice(0, 10),
});

/** A `bigint`, which callers see as text of at most 1,000 digits: the time to read one grows faster than its length. */
export const stringToBigInt = z.codec(z.string().regex(/^-?\d{1,1000}$/, 'Invalid whole number'), z.bigint(), {
  decode: (text) => BigInt(text),
  encode: (value) => value.toString(),
});
