import { randomFillSync } from 'node:crypto';

/** Asking for random bytes costs far more than what is done with them, so they are taken for many ids at once. */
const bytes = Buffer.alloc(4096);
let digits = '';
let used = 0;

/** New random hexadecimal digits. */
function randomDigits(count: number): string {
  if (used + count > digits.length) {
    digits = randomFillSync(bytes).toString('hex');
    used = 0;
  }
  used += count;
  return digits.slice(used - count, used);
}

export const newTraceId = (): string => randomDigits(32);
export const newSpanId = (): string => randomDigits(16);

interface Ids {
  readonly traceId?: string | undefined;
  readonly spanId?: string | undefined;
}

let given: Ids = {};

/** The ids of the SDK's spans. */
export const idGenerator = {
  generateTraceId: (): string => given.traceId ?? newTraceId(),
  generateSpanId: (): string => given.spanId ?? newSpanId(),
};

/** Has the SDK make a span with these ids. */
export function withIds<T>(ids: Ids, make: () => T): T {
  given = ids;
  try {
    return make();
  } finally {
    given = {};
  }
}
