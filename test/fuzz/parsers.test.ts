import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ServiceError } from '../../src/core/errors.ts';
import { readIdempotencyKey } from '../../src/core/input/idempotency-key.ts';
import { createJobIds } from '../../src/core/access/job-ids.ts';
import { newJobId, typeOfJobId } from '../../src/core/job-id.ts';
import type { Job } from '../../src/core/job.ts';
import { cursorSchema, toCursor } from '../../src/core/service/list-page.ts';
import { parseInput } from '../../src/core/input/parse-input.ts';
import { createUrls } from '../../src/core/urls.ts';
import { describeUrl } from '../../src/stores/describe-url.ts';
import { tagOf } from '../../src/rest/replies.ts';
import { parsePreferences, readListOptions, readPollOptions } from '../../src/rest/requests.ts';
import { toPointer } from '../../src/http/problem.ts';
import { hostileJson, hostileText } from './hostile-values.ts';

/** Expects a predicate to hold for a thousand values. */
function holds<T>(arbitrary: fc.Arbitrary<T>, predicate: (value: T) => void): void {
  fc.assert(fc.property(arbitrary, predicate), { numRuns: 1000 });
}

async function holdsLater<T>(arbitrary: fc.Arbitrary<T>, predicate: (value: T) => Promise<void>): Promise<void> {
  await fc.assert(fc.asyncProperty(arbitrary, predicate), { numRuns: 1000 });
}

/** The result of a parser, or undefined if it rejects the value with a public error. */
function accepted<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ServiceError && error.problem === 'invalid-input') return undefined;
    throw error;
  }
}

const printable = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCodePoint(code)) });
const token = fc.stringMatching(/^[a-z][\w!#$%&'*+.^`|~-]{0,9}$/).filter((name) => name !== 'wait');
const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
const typeName = fc.stringMatching(/^[a-z][A-Za-z0-9]{0,39}$/);

const job: fc.Arbitrary<Job> = fc.record({
  id: typeName.map(newJobId),
  type: fc.constant('book'),
  caller: fc.constant('anonymous'),
  percentComplete: fc.integer({ min: 0, max: 100 }),
  message: fc.constant(null),
  attempt: fc.nat({ max: 9 }),
  maxAttempts: fc.constant(9),
  createdAt: fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }),
  lastUpdatedAt: fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }),
  startedAt: fc.constant(null),
  history: fc.constant([]),
  status: fc.constant('Pending' as const),
});

describe('Prefer', () => {
  it('is parsed as 0 to 50 seconds or nothing, for any value', () => {
    holds(fc.oneof(hostileText, printable, fc.array(hostileText)), (header) => {
      const seconds = parsePreferences(header).wait;
      expect(seconds === undefined || (seconds >= 0 && seconds <= 50 && Number.isInteger(seconds))).toBe(true);
    });
  });

  it('may have wait among other preferences', () => {
    const other = fc
      .tuple(token, fc.option(printable))
      .map(([name, value]) => (value === null ? name : `${name}=${quoted(value)}`));
    holds(fc.tuple(fc.array(other), fc.nat({ max: 50 }), fc.array(other)), ([before, seconds, behind]) => {
      expect(parsePreferences([...before, `wait=${seconds}`, ...behind].join(', ')).wait).toBe(seconds);
    });
  });
});

describe('an idempotency key', () => {
  it('survives its encoding in the header', () => {
    holds(
      printable.filter((text) => text.length > 0 && text.length <= 255),
      (key) => {
        expect(readIdempotencyKey(undefined, quoted(key))).toBe(key);
        expect(readIdempotencyKey(key, undefined)).toBe(key);
      },
    );
  });

  it('is printable or refused, for any value', () => {
    holds(fc.tuple(fc.boolean(), fc.oneof(hostileText, hostileText.map(quoted))), ([asArgument, text]) => {
      const key = accepted(() => readIdempotencyKey(asArgument ? text : undefined, asArgument ? undefined : text));
      expect(key ?? 'refused').toMatch(/^[ -~]{1,255}$/);
    });
  });
});

describe("a job's id", () => {
  const ids = createJobIds({ readSecret: async () => 'secret', now: Date.now }, 60);

  it('contains its type, whether new or derived from a key', async () => {
    await holdsLater(fc.tuple(typeName, hostileText, printable), async ([type, caller, key]) => {
      for (const id of [await ids.issue(type, caller), await ids.ofKey(type, caller, key)]) {
        expect(id).toMatch(/^[\w-]{1,64}$/);
        expect(typeOfJobId(id)).toBe(type);
      }
    });
  });

  it('differs by type, caller and key', async () => {
    const parts = fc.tuple(typeName, hostileText, printable);
    await holdsLater(fc.tuple(parts, parts), async ([one, other]) => {
      const same = one.every((part, index) => part === other[index]);
      // Ill-formed strings encode to the same bytes as each other.
      if (![...one, ...other].every((part) => part.isWellFormed())) return;
      expect((await ids.ofKey(...one)) === (await ids.ofKey(...other))).toBe(same);
    });
  });

  it('is not valid in another form', () => {
    holds(hostileText, (text) => {
      expect(typeOfJobId(text)).toBe(/^[a-z][A-Za-z0-9]{0,39}(?=_[\w-]{22}$)/.exec(text)?.[0]);
    });
  });
});

describe('a cursor', () => {
  it('resolves to its position', () => {
    holds(job, (each) => {
      expect(cursorSchema.parse(toCursor(each))).toEqual({ createdAt: each.createdAt, id: each.id });
    });
  });

  it('is a position in time or refused, for any value', () => {
    const encoded = fc.oneof(printable, hostileText).map((text) => Buffer.from(text).toString('base64url'));
    const numbered = fc
      .tuple(fc.bigInt({ min: 0n }), printable)
      .map(([time, id]) => Buffer.from(`${time}.${id}`).toString('base64url'));
    holds(fc.oneof(hostileText, encoded, numbered), (cursor) => {
      const place = accepted(() => parseInput(cursorSchema, cursor));
      expect(Number.isNaN(place?.createdAt.getTime() ?? 0)).toBe(false);
    });
  });
});

describe('the query of a request', () => {
  const value = fc.oneof(hostileText, fc.array(hostileText, { maxLength: 3 }), hostileJson);
  const query = (...names: string[]) =>
    fc.dictionary(fc.oneof(fc.constantFrom(...names), hostileText), value, { maxKeys: 4 });

  it('selects how to poll, or is refused', () => {
    holds(query('onPending', 'onComplete', 'ONPENDING'), (sent) => {
      const options = accepted(() => readPollOptions(sent));
      expect([undefined, 'accepted', 'ok', 'synchronous']).toContain(options?.onPending);
      expect([undefined, 'redirect', 'stream', 'status']).toContain(options?.onComplete);
    });
  });

  it('filters the list, or is refused', () => {
    holds(query('type', 'status', 'limit', 'cursor'), (sent) => {
      const filter = accepted(() => readListOptions(sent));
      expect(filter === undefined || (filter.limit >= 1 && filter.limit <= 100)).toBe(true);
    });
  });
});

describe('an entity tag', () => {
  it('is well-formed, and differs by state', () => {
    holds(fc.tuple(job, job), ([one, other]) => {
      // RFC 9110, section 8.8.3.
      expect(tagOf(one)).toMatch(/^W\/"[!#-~]*"$/);
      const stateOf = ({ attempt, percentComplete, lastUpdatedAt }: Job) => [
        attempt,
        percentComplete,
        lastUpdatedAt.getTime(),
      ];
      const same = stateOf(one).every((part, index) => part === stateOf(other)[index]);
      expect(tagOf(one) === tagOf(other)).toBe(same);
    });
  });
});

describe('a JSON Pointer', () => {
  it('resolves to its field, as a URI fragment', () => {
    holds(fc.array(fc.oneof(hostileText, fc.nat())), (path) => {
      const pointer = toPointer(path);
      expect(pointer).toMatch(/^#(?:\/(?:[\w\-.~!$&'()*+,;=:@]|%[\dA-F]{2})*)*$/);
      const parts = pointer.slice(1).split('/').slice(1);
      const decoded = parts.map((part) => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~'));
      expect(decoded).toEqual(path.map((part) => String(part).toWellFormed()));
    });
  });
});

describe('a URL', () => {
  it('of a request is valid, for any headers', () => {
    holds(
      fc.oneof(
        printable,
        hostileText.map((text) => text.replaceAll(/[^\u0021-\u00ff]/g, '')),
      ),
      (text) => {
        const path = createUrls('https://example.com/prefix').path(`/${text}`);
        expect(path).toMatch(/^\/prefix\/(?:[\w\-.~:/?@!$&'()*+,;=]|%[\da-f]{2})*$/i);
      },
    );
  });

  it("of a store is described without its user's name and password", () => {
    const secret = fc.stringMatching(/^[\w!$&'()*+,;=:@%-]{1,20}$/).map((text) => `SECRET${text}`);
    const scheme = fc.constantFrom('redis', 'rediss', 'redis+sentinel', 'redis+cluster', 'postgres', 'postgresql');
    const hosts = fc.constantFrom('store.example.com', '10.0.0.1:6379', '[::1]:6379', 'one:1,two:2', '');
    holds(fc.tuple(scheme, secret, secret, hosts, fc.nat({ max: 15 })), ([name, user, password, host, database]) => {
      for (const url of [
        `${name}://${user}:${password}@${host}/${database}`,
        `${name}://${host}/${database}?user=${user}&password=${password}`,
        `${name}://${user}@${host}/${database}?x=${password}#${password}`,
      ]) {
        expect(describeUrl(url)).toBe(`${name}://${host}/${database}`);
      }
    });
  });

  it('of a store is described without any part of an unencoded password', () => {
    const secret = fc.stringMatching(/^SECRET[\w!$&'()*+,;=:@%/?#[\] -]{1,20}$/);
    holds(fc.tuple(secret, fc.constantFrom(':', 'user:')), ([password, user]) => {
      expect(describeUrl(`redis://${user}${password}@store.example.com:6379/0`)).not.toMatch(/SECRET/);
    });
  });
});
