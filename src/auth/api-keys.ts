import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { type Principal, SCOPES } from '../core/access/caller.ts';

/** Lets secret scanners recognize keys. */
const PREFIX = 'accepted_';
const KEY_BYTES = 32;
const FORM = `name:scopes:hash, with scopes such as ${SCOPES.join('+')} and the hash in hexadecimal`;

const entrySchema = z.object({
  name: z.string().regex(/^[\w.-]{1,64}$/),
  scopes: z.array(z.enum(SCOPES)).min(1),
  hash: z.string().regex(/^[\da-f]{64}$/i),
});
type ApiKeyEntry = z.output<typeof entrySchema>;

/** `shop:submit+read:9f86d0…,ops:admin:60303a…`: the server has only the SHA-256 of each key. A name may have several keys, so that one can be replaced. */
export const apiKeysSchema = z.string().transform((text, context) => {
  const { data: entries, error } = z.array(entrySchema).safeParse(text.split(',').map(toEntry));
  // The value is not shown, because a wrong entry may contain a key.
  if (error !== undefined) return refuse(context, `expected ${FORM}, separated by commas`);
  const hashes = new Set(entries.map(({ hash }) => hash.toLowerCase()));
  return hashes.size === entries.length ? entries : refuse(context, 'expected each key once');
});

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue(message);
  return z.NEVER;
}

function toEntry(text: string): unknown {
  const [name, scopes, hash, ...more] = text.trim().split(':');
  return more.length > 0 ? undefined : { name, scopes: scopes?.split('+'), hash };
}

/** Finds the principal of a key, in a time that does not depend on the key or its position in the list. */
export function createApiKeys(entries: readonly ApiKeyEntry[]): (key: string) => Principal | undefined {
  const known = entries.map(({ name, scopes, hash }) => ({
    hash: Buffer.from(hash, 'hex'),
    principal: { kind: 'principal', id: `key:${name}`, scopes: new Set(scopes) } satisfies Principal,
  }));
  return (key) => {
    const presented = sha256(key);
    let found: Principal | undefined;
    for (const { hash, principal } of known) if (timingSafeEqual(hash, presented)) found = principal;
    return found;
  };
}

/** A new key, and its entry for `API_KEYS`. */
export function newApiKey(name: string, scopes: string): { readonly key: string; readonly entry: string } {
  const key = PREFIX + randomBytes(KEY_BYTES).toString('base64url');
  return { key, entry: `${name}:${scopes}:${sha256(key).toString('hex')}` };
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
