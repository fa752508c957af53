import { expect, it } from 'vitest';
import { z } from 'zod';
import { isoDatetimeToDate } from '../../src/core/codecs.ts';
import { defineJob } from '../../src/core/define-job.ts';
import type { ShapeOf } from '../../src/client/job-type-map.ts';

const base = { name: 'x', collection: 'xs', description: 'Compiles.', input: z.object({ n: z.int() }) } as const;
const result = z.object({
  size: z.enum(['small', 'large']),
  version: z.literal([1, 2]),
  ok: z.literal(true),
  list: z.array(z.object({ kind: z.literal('a') })),
  either: z.discriminatedUnion('state', [
    z.object({ state: z.literal('open'), days: z.int() }),
    z.object({ state: z.literal('paid'), at: isoDatetimeToDate }),
  ]),
});

// The compiler is the test: `npm run check` fails if a statement does not compile, or an expected error is none.
it('the compiler knows the literals that a function returns, without `as const`', () => {
  const types = [
    defineJob({
      ...base,
      result,
      async run({ n }) {
        const either = n > 0 ? { state: 'open' as const, days: n } : { state: 'paid' as const, at: new Date() };
        return { size: n > 1 ? 'large' : 'small', version: 1, ok: true, list: [{ kind: 'a' }], either };
      },
    }),
    defineJob({
      ...base,
      result,
      run: ({ n }) => ({
        size: 'small',
        version: 2,
        ok: true,
        list: [n, n].map(() => ({ kind: 'a' })),
        either: { state: 'open', days: 1 },
      }),
    }),
    defineJob({
      ...base,
      result,
      run: async (_input) => ({
        size: 'large',
        version: 1,
        ok: true,
        list: [],
        either: { state: 'paid', at: new Date() },
      }),
    }),
    defineJob({
      ...base,
      result: z.object({ size: z.enum(['small', 'large']) }),
      // @ts-expect-error -- The schema has no such size.
      run: async (_input) => ({ size: 'huge' }),
    }),
    defineJob({
      ...base,
      result: z.object({ at: isoDatetimeToDate }),
      // @ts-expect-error -- The codec encodes a Date.
      run: (_input) => ({ at: '2026-03-01T12:00:00Z' }),
    }),
  ];
  expect(types).toHaveLength(5);
});

it('the compiler knows what callers send and read of codecs', () => {
  const type = defineJob({
    ...base,
    input: z.object({ at: isoDatetimeToDate }),
    result: z.object({ at: isoDatetimeToDate }),
    run: ({ at }) => ({ at }),
  });
  const shape: ShapeOf<typeof type> = { input: { at: '2026-03-01T12:00:00Z' }, result: { at: '2026-03-01T12:00:00Z' } };
  // @ts-expect-error -- JSON has no Date.
  const other: ShapeOf<typeof type>['result'] = { at: new Date() };
  expect([shape, other]).toHaveLength(2);
});
