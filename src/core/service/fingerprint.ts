import { createHash } from 'node:crypto';

/**
 * Tells one input from another, whichever face it came by: the hash of what was sent, and the hash of what the type's schema
 * made of it. The one is the same where a default is a new value each time, and the other where a face fills in defaults.
 */
export function fingerprintOf(sent: unknown, parsed: unknown): string {
  return `${hashOf(sent)}.${hashOf(parsed)}`;
}

export function isSameInput(fingerprint: string | undefined, other: string): boolean {
  const [sent, parsed] = fingerprint?.split('.') ?? [];
  const [otherSent, otherParsed] = other.split('.');
  return sent === otherSent || parsed === otherParsed;
}

/**
 * The SHA-256 of a value's JSON with the names of each object in order, so that neither white space nor the order of fields
 * counts (in the manner of RFC 8785).
 */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('base64url');
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) => {
    if (typeof part === 'bigint') return part.toString();
    if (part instanceof Map || part instanceof Set) return [...part];
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}
