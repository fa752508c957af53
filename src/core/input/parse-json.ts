import { type InputIssue, ServiceError } from '../errors.ts';

/** Objects and lists inside one another; no input is nested like this, and what reads it may call itself for each. */
const MAX_NESTING = 100;
/** A text without these has none of the keys that are refused; any letter of a key may be written as an escape. */
const SUSPECT = /proto|\\u/;

/**
 * Parses JSON of callers. Refuses keys that would change the prototype of what a value's fields are copied to: `__proto__`, and
 * `constructor` with `prototype` inside.
 * @throws ServiceError `malformed-request` for what is no JSON or nested too deep, `invalid-input` for such a key
 */
export function parseJson(text: string): unknown {
  if (hasManyBrackets(text) && nestingOf(text) > MAX_NESTING)
    throw new ServiceError('malformed-request', `The JSON is nested more than ${MAX_NESTING} levels deep.`);
  const value = parse(text);
  const path = SUSPECT.test(text) ? findPrototypeKey(value) : undefined;
  if (path === undefined) return value;
  const issue = { path, message: 'There is no field with this name' };
  throw new ServiceError('invalid-input', `${path.join('.')}: ${issue.message}`, { issues: [issue] });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ServiceError('malformed-request', 'What should be JSON is no valid JSON.', { cause });
  }
}

const [QUOTE, BACKSLASH, BRACKET, BRACE, BRACKET_END, BRACE_END] = new TextEncoder().encode('"\\[{]}');

/** Hardly any text has as many as may be nested, and then nothing has to be read. */
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

/** How deep a text of JSON is nested, found at a hundredth of what it costs to parse one that is nested deep. */
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

/** An object or a list, and where it was found. */
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
  // It grows while it is gone through.
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
