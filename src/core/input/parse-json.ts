import { type InputIssue, ServiceError } from '../errors.ts';

/** Levels of nested objects and arrays. Schemas and serializers recurse, so unlimited nesting could exhaust the stack. */
export const MAX_NESTING = 100;
/** A text without a match contains no refused key. Escapes match too, because any letter of a key may be written as one. */
const SUSPECT = /proto|\\u/;

/**
 * Parses JSON from callers. Refuses keys that could pollute prototypes when fields are copied: `__proto__`, and `constructor`
 * that contains `prototype`.
 * @param what the subject of error messages
 * @throws ServiceError `malformed-request` for invalid JSON and for more than 100 levels of nesting; `invalid-input` for such a key
 */
export function parseJson(text: string, what = 'The body'): unknown {
  if (hasManyBrackets(text) && nestingOf(text) > MAX_NESTING)
    throw new ServiceError('malformed-request', `${what} has more than ${MAX_NESTING} levels of nesting.`);
  const value = parse(text, what);
  const path = SUSPECT.test(text) ? findPrototypeKey(value) : undefined;
  if (path === undefined) return value;
  const issue = { path, message: 'Forbidden field name' };
  throw new ServiceError('invalid-input', `${path.join('.')}: ${issue.message}`, { issues: [issue] });
}

function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ServiceError('malformed-request', `${what} is not valid JSON.`, { cause });
  }
}

const [QUOTE, BACKSLASH, BRACKET, BRACE, BRACKET_END, BRACE_END] = new TextEncoder().encode('"\\[{]}');

/** A quick check: few texts have more brackets than the limit, and only those need a full scan. */
function hasManyBrackets(text: string): boolean {
  let count = 0;
  for (const bracket of ['[', '{']) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      count += 1;
      if (count > MAX_NESTING) return true;
    }
  }
  return false;
}

/** The nesting depth of a JSON text. Scanning a deeply nested text costs a hundredth of parsing it. */
function nestingOf(text: string): number {
  let nesting = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) inString = !inString;
    else if (inString) at += code === BACKSLASH ? 1 : 0;
    else if (code === BRACKET || code === BRACE) deepest = Math.max(deepest, (nesting += 1));
    else if (code === BRACKET_END || code === BRACE_END) nesting -= 1;
  }
  return deepest;
}

/** An object or array, and its position in the whole. */
interface Place {
  readonly value: object;
  readonly key: string | number;
  readonly within: Place | undefined;
}

function findPrototypeKey(root: unknown): InputIssue['path'] | undefined {
  const places: Place[] = [];
  const add = (value: unknown, key: string | number, within?: Place): void => {
    if (typeof value === 'object' && value !== null) places.push({ value, key, within });
  };
  add(root, '');
  // The array grows during the iteration: a breadth-first search without recursion.
  for (const within of places) {
    if (Array.isArray(within.value)) {
      for (const [index, item] of within.value.entries()) add(item, index, within);
      continue;
    }
    for (const [key, value] of Object.entries(within.value)) {
      if (key === '__proto__' || (key === 'prototype' && within.key === 'constructor')) return pathTo(within, key);
      add(value, key, within);
    }
  }
  return undefined;
}

function pathTo(place: Place, key: string | number): InputIssue['path'] {
  return place.within === undefined ? [key] : [...pathTo(place.within, place.key), key];
}
