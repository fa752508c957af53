import { z } from 'zod';
import { parseInput } from './parse-input.ts';

const keySchema = z.object({
  idempotencyKey: z.string().regex(/^[\x20-\x7e]{1,255}$/, 'Invalid key: expected 1 to 255 printable ASCII characters'),
});

/**
 * A submission's idempotency key, from the argument or the header. The argument takes precedence.
 * @throws ServiceError `invalid-input`, which names `idempotencyKey`
 */
export function readIdempotencyKey(argument: string | undefined, header: string | undefined): string | undefined {
  if (argument !== undefined) return parseKey(argument);
  return header === undefined ? undefined : parseHeader(header);
}

function parseKey(key: string): string {
  return parseInput(keySchema, { idempotencyKey: key }).idempotencyKey;
}

/** A String of Structured Field Values (RFC 9651, section 3.3.3). */
const STRUCTURED_STRING = /^\s*"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"\s*$/;

/** Parses the `Idempotency-Key` header, a quoted String (draft-ietf-httpapi-idempotency-key-header-08, section 2.1). */
function parseHeader(header: string): string {
  const quoted = STRUCTURED_STRING.exec(header)?.[1];
  const schema = z.object({
    idempotencyKey: z.string('Invalid Idempotency-Key header: expected a string in double quotes'),
  });
  const { idempotencyKey } = parseInput(schema, { idempotencyKey: quoted?.replaceAll(/\\(.)/g, '$1') });
  return parseKey(idempotencyKey);
}
