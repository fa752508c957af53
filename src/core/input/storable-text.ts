import type { InputIssue } from '../errors.ts';

const MESSAGE = 'Invalid text: it contains U+0000 or a lone surrogate';

/** Where in a value of JSON there is text that PostgreSQL can't store. What one backend refuses, all refuse. */
export function findUnstorableText(value: unknown, path: readonly (string | number)[] = []): InputIssue[] {
  if (typeof value === 'string') return isStorable(value) ? [] : [{ path, message: MESSAGE }];
  if (Array.isArray(value)) return value.flatMap((item, index) => findUnstorableText(item, [...path, index]));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => findUnstorableText(item, [...path, key]));
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\u0000');
}
