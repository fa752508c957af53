import { iso31661 } from 'iso-3166';
import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js';
import { z } from 'zod';
import { JobError } from '../index.ts';
import type { Customer, RawCustomer } from './customer.ts';

/** A customer ready for the database, which adds the time. */
export type NormalCustomer = Omit<Customer, 'updatedAt'>;

/** In characters, after normalization. */
const MAX_NAME_LENGTH = 200;
/** RFC 5321, sections 4.5.3.1.1 and 4.5.3.1.3. */
const MAX_EMAIL_LENGTH = 254;
const MAX_LOCAL_PART_LENGTH = 64;
/** Composing Unicode takes the square of the length, so longer text is not even looked at. */
const MAX_TEXT_LENGTH = 1000;
/** The unreserved characters of a URL (RFC 3986, section 2.3), except for `.` and `..`, which have a meaning in paths. */
const ID = /^(?!\.{1,2}$)[\w.~-]{1,64}$/;
const COUNTRIES: ReadonlySet<string> = new Set(iso31661.map((country) => country.alpha2));
/** What HTML's `<input type=email>` accepts. */
const EMAIL = z.regexes.html5Email;
/** Soft hyphens, and characters of no width that set the direction or join: copied with text from web pages, contacts and documents. */
const INVISIBLE = /[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
/** Stands for text that could not be decoded or stored. */
const REPLACEMENT_CHARACTER = '\ufffd';
const TEL_URI = /^tel:/i;

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
  const length = folded === undefined ? Infinity : Array.from(folded).length;
  if (folded === undefined || length < 1 || length > MAX_NAME_LENGTH || folded.includes(REPLACEMENT_CHARACTER)) {
    return refuse('INVALID_CUSTOMERNAME', `Not a valid customer name. Use 1 to ${MAX_NAME_LENGTH} characters.`);
  }
  return folded;
}

function normalizeEmail(email: string | null | undefined): string | null {
  const text = foldVisible(email)?.toLowerCase();
  if (text === '') return null;
  const isValid =
    text !== undefined &&
    text.length <= MAX_EMAIL_LENGTH &&
    text.indexOf('@') <= MAX_LOCAL_PART_LENGTH &&
    EMAIL.test(text);
  return isValid ? text : refuse('INVALID_EMAIL', 'Not a valid email address.');
}

function normalizeCountry(country: string | null | undefined): string | null {
  const text = foldVisible(country);
  if (text === '') return null;
  const code = text?.toUpperCase();
  // Some single letters have two in upper case, such as ß.
  if (code === undefined || code.length !== text?.length || !COUNTRIES.has(code))
    return refuse('INVALID_COUNTRY', 'Not a valid country. Use an ISO 3166-1 alpha-2 code, such as GB.');
  return code;
}

/** A number in E.164 form; an extension follows it as in a `tel:` URI (RFC 3966, section 3), which is read too. */
function normalizePhone(phone: string | null | undefined, country: string | null): string | null {
  const text = foldVisible(phone)?.replace(TEL_URI, '');
  if (text === '') return null;
  const region = country !== null && isSupportedCountry(country) ? country : undefined;
  const number =
    text && parsePhoneNumberFromString(text, { ...(region && { defaultCountry: region }), extract: false });
  if (!number || !number.isValid()) {
    return refuse('INVALID_PHONE', 'Not a valid phone number. Include the country code (+44…) or set `country`.');
  }
  return number.ext === undefined ? number.number : `${number.number};ext=${number.ext}`;
}

function foldVisible(text: string | null | undefined): string | undefined {
  return fold((text ?? '').replace(INVISIBLE, ''));
}

/** Composes Unicode, trims, and replaces each run of white space with one space. Undefined for a text that is too long. */
function fold(text: string): string | undefined {
  if (text.length > MAX_TEXT_LENGTH) return undefined;
  return text.normalize('NFC').trim().replace(/\s+/gu, ' ');
}

function refuse(code: string, message: string): never {
  throw new JobError(code, message, { retry: false });
}
