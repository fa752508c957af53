import { describe, expect, it } from 'vitest';
import { serializeError, serializeWhole } from '../../src/observability/serialize-error.ts';

const SECRET = 'ada@example.com';

/** An error as pg's: the message and the fields may quote the row. */
function databaseError(code: string): Error {
  return Object.assign(new Error(`Key (email)=(${SECRET}) is refused`), { code, detail: `(${SECRET})`, where: SECRET });
}

it('what a function throws has its message, its causes and its value, where the log may have them', () => {
  const thrown = new Error('ECONN to printer 7', { cause: databaseError('23505') });
  expect(serializeWhole(thrown)).toMatchObject({
    message: 'ECONN to printer 7',
    stack: expect.stringContaining('serialize-error.test'),
    cause: { code: '23505', message: expect.stringContaining(SECRET) },
  });
  expect(serializeWhole({ printer: 7 })).toEqual({ type: 'object', value: '{ printer: 7 }' });
});

describe('a database error in the log', () => {
  it.each([
    ['22001', 'data'],
    ['23505', 'integrity'],
    ['P0001', 'RAISE EXCEPTION'],
    ['P0004', 'ASSERT'],
  ])('of SQLSTATE %s (%s) has its code and stack without the message, which may quote the row', (code) => {
    const logged = serializeError(databaseError(code));
    expect(logged).toMatchObject({ type: 'Error', code, stack: expect.stringContaining('serialize-error.test') });
    expect(JSON.stringify(logged)).not.toContain(SECRET);
  });

  it.each(['22001', '23505', 'P0001'])('hides the message of a cause of SQLSTATE %s too', (code) => {
    const logged = serializeError(new Error('the job failed', { cause: databaseError(code) }));
    expect(logged).toMatchObject({ message: 'the job failed', cause: { code } });
    expect(JSON.stringify(logged)).not.toContain(SECRET);
  });

  it('of another SQLSTATE has its message, but none of its other fields', () => {
    const error = Object.assign(new Error('deadlock detected'), { code: '40P01', detail: SECRET });
    const logged = serializeError(error);
    expect(logged).toMatchObject({ message: 'deadlock detected', code: '40P01' });
    expect(JSON.stringify(logged)).not.toContain(SECRET);
  });
});
