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

let given: string | undefined;

/** The ids of the SDK's spans. */
export const idGenerator = {
  generateTraceId: (): string => given ?? newTraceId(),
  generateSpanId: newSpanId,
};

/** Has the SDK begin a trace with an id by which the sampler has decided. */
export function withTraceId<T>(traceId: string | undefined, make: () => T): T {
  given = traceId;
  try {
    return make();
  } finally {
    given = undefined;
  }
}
