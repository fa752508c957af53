import { type InputIssue, ServiceError } from './errors.ts';

/** A text without these has none of the keys that are refused; any letter of a key may be written as an escape. */
const SUSPECT = /proto|\\u/;

/**
 * Parses JSON of callers. Refuses keys that would change the prototype of what a value's fields are copied to: `__proto__`, and
 * `constructor` with `prototype` inside.
 * @throws ServiceError `malformed-request` for what is no JSON, `invalid-input` for such a key
 */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ServiceError('malformed-request', 'What should be JSON is no valid JSON.', { cause });
  }
  const path = SUSPECT.test(text) ? findPrototypeKey(value) : undefined;
  if (path === undefined) return value;
  const issue = { path, message: 'There is no field with this name' };
  throw new ServiceError('invalid-input', `${path.join('.')}: ${issue.message}`, { issues: [issue] });
}

/** A value, and where it was found. */
interface Place {
  readonly value: unknown;
  readonly key: string | number;
  readonly within: Place | undefined;
}

/** Without recursion, and paths only when they are asked for: the value may be nested as deep as a body is long. */
function findPrototypeKey(root: unknown): InputIssue['path'] | undefined {
  const places: Place[] = [{ value: root, key: '', within: undefined }];
  // It grows while it is gone through.
  for (const within of places) {
    const { value } = within;
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, inside] of Object.entries(value)) {
      const place = { value: inside, key: Array.isArray(value) ? Number(key) : key, within };
      if (key === '__proto__' || (key === 'prototype' && within.key === 'constructor')) return pathTo(place);
      places.push(place);
    }
  }
  return undefined;
}

function pathTo(place: Place): InputIssue['path'] {
  const path: (string | number)[] = [];
  for (let at = place; at.within !== undefined; at = at.within) path.unshift(at.key);
  return path;
}
