const KEY_BYTES = 16;

/** 128 random bits. `crypto.randomUUID` would not do: a browser has it on pages that came by HTTPS alone. */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A key as a string of a structured field (RFC 9651, section 3.3.3). */
export function toHeaderValue(key: string): string {
  return `"${key.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
