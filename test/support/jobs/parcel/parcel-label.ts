import { z } from 'zod';
import { defineJob } from '../../../../src/core/define-job.ts';

const item = z.object({ sku: z.string().min(1), grams: z.int().min(1).max(30_000) });
const size = z.enum(['small', 'extra-large']);
const label = z.object({ sku: z.string(), size });

/** A job type with nested objects, lists, enums and optional fields in its schemas. */
export default defineJob({
  name: 'parcelLabel',
  collection: 'parcel-labels',
  description: 'Makes the labels of a parcel.',
  input: z.object({
    recipient: z.object({ name: z.string(), address: z.object({ street: z.string(), country: z.string() }) }),
    service: z.enum(['next-day', 'economy']),
    items: z.array(item).min(1),
    note: z.string().max(20).optional(),
    shipBy: z.iso.datetime(),
  }),
  result: z.object({ labels: z.array(label), note: z.string().nullable(), shipBy: z.iso.datetime() }),
  run: ({ items, note, shipBy }) => ({
    labels: items.map(({ sku, grams }) => ({ sku, size: sizeOf(grams) })),
    note: note ?? null,
    shipBy,
  }),
});

function sizeOf(grams: number): z.output<typeof size> {
  return grams > 1000 ? 'extra-large' : 'small';
}
