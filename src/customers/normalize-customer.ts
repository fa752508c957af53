import { iso31661 } from 'iso-3166';
import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js';
import { z } from 'zod';
import { JobError } from '../core/job-error.ts';
import type { Customer, RawCustomer } from './customer.ts';

/** A customer ready for the database, which adds the time. */
export type NormalCustomer = Omit<Customer, 'updatedAt'>;

const MAX_NAME_LENGTH = 200;
/** The unreserved characters of a URL (RFC 3986, section 2.3), except for `.` and `..`, which have a meaning in paths. */
const ID = /^(?!\.{1,2}$)[\w.~-]{1,64}$/;
const COUNTRIES: ReadonlySet<string> = new Set(iso31661.map((country) => country.alpha2));
const emailSchema = z.email().max(254);

/**
 * Validates and normalizes a customer.
 * @throws JobError `INVALID_ID`, `INVALID_CUSTOMERNAME`, `INVALID_EMAIL`, `INVALID_COUNTRY` or `INVALID_PHONE`, without a retry, which
 * could not succeed
 */
export function normalizeCustomer(raw: RawCustomer): NormalCustomer {
  const country = normalizeCountry(raw.country);
  return {
    id: normalizeId(raw.id),
    customername: normalizeName(raw.customername),
    email: normalizeEmail(raw.email),
    phone: normalizePhone(raw.phone, country),
    country,
  };
}

function normalizeId(id: string): string {
  const trimmed = id.trim();
  if (!ID.test(trimmed)) refuse('INVALID_ID', "Not a valid id. Use 1 to 64 letters, digits, '.', '_', '~' or '-'.");
  return trimmed;
}

function normalizeName(name: string): string {
  const folded = fold(name);
  if (folded === '' || folded.length > MAX_NAME_LENGTH) {
    refuse('INVALID_CUSTOMERNAME', `Not a valid customer name. Use 1 to ${MAX_NAME_LENGTH} characters.`);
  }
  return folded;
}

function normalizeEmail(email: string | null | undefined): string | null {
  const trimmed = fold(email ?? '').toLowerCase();
  if (trimmed === '') return null;
  if (!emailSchema.safeParse(trimmed).success) refuse('INVALID_EMAIL', 'Not a valid email address.');
  return trimmed;
}

function normalizeCountry(country: string | null | undefined): string | null {
  const text = fold(country ?? '');
  if (text === '') return null;
  const code = text.toUpperCase();
  // Some single letters have two in upper case, such as ß.
  if (code.length !== text.length || !COUNTRIES.has(code))
    refuse('INVALID_COUNTRY', 'Not a valid country. Use an ISO 3166-1 alpha-2 code, such as GB.');
  return code;
}

function normalizePhone(phone: string | null | undefined, country: string | null): string | null {
  const text = fold(phone ?? '');
  if (text === '') return null;
  const region = country !== null && isSupportedCountry(country) ? country : undefined;
  const number = parsePhoneNumberFromString(text, { ...(region && { defaultCountry: region }), extract: false });
  if (number?.isValid() !== true) {
    refuse('INVALID_PHONE', 'Not a valid phone number. Include the country code (+44…) or set `country`.');
  }
  return number.number;
}

/** Composes Unicode, trims, and replaces each run of white space with one space. */
function fold(text: string): string {
  return text.normalize('NFC').trim().replace(/\s+/gu, ' ');
}

function refuse(code: string, message: string): never {
  throw new JobError(code, message, { retry: false });
}
