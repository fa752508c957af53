import { z } from 'zod';
import { isoDatetimeToDate, stringToBigInt } from '../../../../src/core/codecs.ts';
import { defineJob } from '../../../../src/core/define-job.ts';

const currency = z.enum(['eur', 'us-dollar']);

const line = z.object({
  title: z.string().min(1).max(100),
  quantity: z.int().min(1).max(1000),
  cents: z.int().min(0).max(1_000_000),
  discount: z.object({ percent: z.int().min(0).max(100) }).nullish(),
});

const payment = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('card'), digits: z.string().regex(/^\d{4}$/), holder: z.string().max(50).optional() }),
    z.object({ kind: z.literal('bank-transfer'), iban: z.string().max(34), when: isoDatetimeToDate.optional() }),
    z.object({ kind: z.literal('cash') }),
  ])
  .describe('How it is paid.');

/** Told apart by a literal, without naming it. */
const recipient = z.union([
  z.object({ isCompany: z.literal(true), vat: z.string().max(20), contacts: z.array(payment).max(5).optional() }),
  z.object({ isCompany: z.literal(false), name: z.string().max(50) }),
]);

const category = z.object({
  name: z.string().max(50),
  get children() {
    return z.array(category).max(10).optional();
  },
});

const counted = z.object({
  name: z.string(),
  size: z.literal(['small', 'large']),
  get children() {
    return z.array(counted);
  },
});

type Category = z.output<typeof category>;
type Counted = z.output<typeof counted>;

/** A job type with everything that schemas may have. */
export default defineJob({
  name: 'invoice',
  collection: 'invoices',
  description: 'Makes an invoice.',
  input: z.object({
    currency: currency.default('eur'),
    copies: z.literal([1, 2, 3]).default(1),
    recipient,
    lines: z.array(line).min(1).max(100),
    due: isoDatetimeToDate,
    payment: payment.nullable(),
    labels: z.record(z.string().max(20), z.union([z.string().max(20), z.int()])).optional(),
    extra: z.json().optional(),
    category: category.optional(),
  }),
  result: z.object({
    currency,
    cents: stringToBigInt,
    due: isoDatetimeToDate,
    history: z.array(z.object({ at: isoDatetimeToDate, event: z.literal('made') })),
    isPaid: z.literal([true, false]),
    payment: z.discriminatedUnion('state', [
      z.object({ state: z.literal('paid'), by: payment }),
      z.object({ state: z.literal('open'), daysLeft: z.int() }),
    ]),
    labels: z.record(z.string(), z.json()),
    category: counted.nullable(),
    echo: z.json(),
  }),
  async run(input, job) {
    await job.progress(50);
    const cents = input.lines.reduce((sum, { quantity, cents: each }) => sum + BigInt(quantity) * BigInt(each), 0n);
    return {
      currency: input.currency,
      cents,
      due: input.due,
      history: [{ at: new Date(input.due.getTime() - 86_400_000), event: 'made' }],
      isPaid: input.payment !== null,
      payment: input.payment === null ? { state: 'open', daysLeft: 30 } : { state: 'paid', by: input.payment },
      labels: { ...input.labels, copies: input.copies },
      category: input.category === undefined ? null : count(input.category),
      echo: input.extra ?? null,
    };
  },
});

function count({ name, children = [] }: Category): Counted {
  return { name, size: children.length > 1 ? 'large' : 'small', children: children.map(count) };
}
