import { describe, expect, it } from 'vitest';
import type { RawCustomer } from '../../src/customers/customer.ts';
import { type NormalCustomer, normalizeCustomer } from '../../src/customers/normalize-customer.ts';

const normalize = (fields: Partial<RawCustomer>): NormalCustomer =>
  normalizeCustomer({ id: 'c-1', customername: 'Ada', ...fields });

/** A failure with this code, which no retry can change. */
const refusal = (code: string): unknown => expect.objectContaining({ name: 'JobError', code, retry: false });

describe('normalizeCustomer', () => {
  it('trims, folds and normalizes every field', () => {
    expect(
      normalizeCustomer({
        id: ' c-1 ',
        customername: '  Ada \t\n Lovelace ',
        email: ' Ada@Example.COM ',
        phone: ' (020)  7946 0000 ',
        country: ' gb ',
      }),
    ).toEqual({
      id: 'c-1',
      customername: 'Ada Lovelace',
      email: 'ada@example.com',
      phone: '+442079460000',
      country: 'GB',
    });
  });

  it.each([[undefined], [null], [''], [' \t\n\u00a0']])('sets optional fields to null if they are %j', (blank) => {
    const none = { email: null, phone: null, country: null };
    const given = blank === undefined ? {} : { email: blank, phone: blank, country: blank };
    expect(normalizeCustomer({ id: 'c-1', customername: 'Ada', ...given })).toEqual({
      id: 'c-1',
      customername: 'Ada',
      ...none,
    });
  });

  it.each([
    { id: ' c-1 ', customername: ' Ada  L. ', email: 'A@B.example', phone: '020 7946 0000', country: 'gb' },
    { id: 'a.b_c~d', customername: 'Cafe\u0301\u3000 Noir', email: null, phone: '+81 3-1234-5678', country: null },
    { id: '...', customername: '李', email: ' x+y@sub.example.org', phone: '011 44 20 7946 0000', country: 'us' },
  ])('is idempotent ($id)', (raw) => {
    const once = normalizeCustomer(raw);
    expect(normalizeCustomer(once)).toEqual(once);
  });
});

describe('a text that would take long to normalize', () => {
  // Sorting combining characters takes the square of their number.
  const long = `a${'\u0301\u0316'.repeat(40_000)}`;
  it.each([
    ['id', 'INVALID_ID'],
    ['customername', 'INVALID_CUSTOMERNAME'],
    ['email', 'INVALID_EMAIL'],
    ['phone', 'INVALID_PHONE'],
    ['country', 'INVALID_COUNTRY'],
  ])('is refused for %s', (field, code) => {
    expect(() => normalize({ [field]: long })).toThrow(refusal(code));
  });
});

describe('the id', () => {
  it.each(['a', 'A.b_c~d-9', '...', '.a', 'x'.repeat(64)])('can be %j', (id) => {
    expect(normalize({ id }).id).toBe(id);
  });

  it.each([
    '',
    ' ',
    '.',
    '..',
    ' .. ',
    'x'.repeat(65),
    'a b',
    'a/b',
    'a?b',
    'a#b',
    '%2e',
    'ä',
    'a\nb',
    'a\u0000',
    'a:b',
  ])('cannot be %j', (id) => {
    expect(() => normalize({ id })).toThrow(refusal('INVALID_ID'));
  });
});

describe('the name', () => {
  it.each([
    ['Ada  Lovelace', 'Ada Lovelace'],
    ['\u00a0Ada\u3000 \r\nLovelace\t', 'Ada Lovelace'],
    ['Cafe\u0301', 'Caf\u00e9'],
    ['x'.repeat(200), 'x'.repeat(200)],
    // Folded white space does not count towards the length.
    [`${'x'.repeat(100)}${' '.repeat(200)}${'y'.repeat(99)}`, `${'x'.repeat(100)} ${'y'.repeat(99)}`],
  ])('%j becomes %j', (customername, expected) => {
    expect(normalize({ customername }).customername).toBe(expected);
  });

  it('has up to 200 code points', () => {
    expect(normalize({ customername: '😀'.repeat(200) }).customername).toBe('😀'.repeat(200));
    expect(() => normalize({ customername: '😀'.repeat(201) })).toThrow(refusal('INVALID_CUSTOMERNAME'));
  });

  it.each(['', ' ', '\t\n\u00a0\u3000', 'x'.repeat(201), 'Ada \ufffd'])('cannot be %j', (customername) => {
    expect(() => normalize({ customername })).toThrow(refusal('INVALID_CUSTOMERNAME'));
  });
});

describe('the email address', () => {
  it.each([
    ['Ada@Example.COM', 'ada@example.com'],
    [' ada+test@sub.example.org\n', 'ada+test@sub.example.org'],
    // What a browser accepts in an email field.
    ['info@xn--80a1acny.xn--p1ai', 'info@xn--80a1acny.xn--p1ai'],
    ['a&b@example.com', 'a&b@example.com'],
    ["x=y.o'z@example.com", "x=y.o'z@example.com"],
    ['ada@example', 'ada@example'],
    [`${'x'.repeat(64)}@example.com`, `${'x'.repeat(64)}@example.com`],
    ['\u202aada@example.com\u202c', 'ada@example.com'],
  ])('%j becomes %j', (email, expected) => {
    expect(normalize({ email }).email).toBe(expected);
  });

  it.each([
    'ada',
    'ada@',
    '@example.com',
    'a b@example.com',
    'ada@example.com, b@example.com',
    'Ada <ada@example.com>',
    `${'x'.repeat(65)}@example.com`,
    `${'x'.repeat(64)}@${'y'.repeat(60)}.${'z'.repeat(60)}.${'z'.repeat(60)}.example.com`,
  ])('cannot be %j', (email) => {
    expect(() => normalize({ email })).toThrow(refusal('INVALID_EMAIL'));
  });
});

describe('the phone number', () => {
  it.each([
    ['020 7946 0000', 'GB', '+442079460000'],
    ['(0)20-7946-0000', 'gb', '+442079460000'],
    ['030 901820', 'DE', '+4930901820'],
    ['(212) 555-2368', 'US', '+12125552368'],
    // The country's own international call prefix.
    ['0044 20 7946 0000', 'DE', '+442079460000'],
    ['011 44 20 7946 0000', 'US', '+442079460000'],
    // A number with a country code is not read as one of the country.
    ['+44 20 7946 0000', 'US', '+442079460000'],
    ['+44 20 7946 0000', null, '+442079460000'],
    ['+44 (0)20 7946 0000', undefined, '+442079460000'],
    ['+1 212 736 5000 ext. 5', null, '+12127365000;ext=5'],
    ['+12127365000;ext=5', null, '+12127365000;ext=5'],
    ['tel:+44-20-7946-0000', null, '+442079460000'],
    ['TEL:020-7946-0000;phone-context=+44', null, '+442079460000'],
    ['\u202a+44 20 7946 0000\u202c', null, '+442079460000'],
    ['\u2066020\u00ad7946\u200b0000\u2069', '\u200egb', '+442079460000'],
    // A country without a numbering plan of its own.
    ['+44 20 7946 0000', 'AQ', '+442079460000'],
  ])('%j in %j becomes %j', (phone, country, expected) => {
    expect(normalize({ phone, ...(country !== undefined && { country }) }).phone).toBe(expected);
  });

  it.each([
    ['020 7946 0000', null],
    ['020 7946 0000', 'AQ'],
    ['0044 20 7946 0000', null],
    ['020 7946', 'GB'],
    ['020 7946 0000 0000 0000', 'GB'],
    ['+999 123 456', null],
    ['call +44 20 7946 0000', 'GB'],
    ['none', 'GB'],
    ['+', 'GB'],
    ['9'.repeat(10_000), 'GB'],
  ])('can’t be %j in %j', (phone, country) => {
    expect(() => normalize({ phone, country })).toThrow(refusal('INVALID_PHONE'));
  });

  it('is not in the error, which callers and logs may keep', () => {
    expect(() => normalize({ phone: '555-0100' })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('555') }),
    );
  });
});

describe('the country', () => {
  it.each(['GB', 'gb', ' Gb\n'])('%j becomes "GB"', (country) => {
    expect(normalize({ country }).country).toBe('GB');
  });

  // The last two become SS and FI in upper case, which are valid codes.
  it.each(['XX', 'UK', 'EU', 'XK', 'GBR', 'G', '826', 'Great Britain', 'G B', 'ß', 'ﬁ'])('cannot be %j', (country) => {
    expect(() => normalize({ country })).toThrow(refusal('INVALID_COUNTRY'));
  });

  it('is validated before the phone number that depends on it', () => {
    expect(() => normalize({ country: 'UK', phone: '020 7946 0000' })).toThrow(refusal('INVALID_COUNTRY'));
  });
});
