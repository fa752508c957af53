const KEY_BYTES = 16;

/** 128 random bits. Not `crypto.randomUUID`, which browsers provide only on pages served over HTTPS. */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  return btoa(String.fromCharCode(...bytes));
}

/** Serializes a key as a structured-field string (RFC 9651, section 3.3.3). */
export function toHeaderValue(key: string): string {
  return `"${key.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
