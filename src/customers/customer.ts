import { z } from 'zod';

/** A stored customer, as callers read it. */
export const customerSchema = z
  .object({
    id: z.string().meta({ examples: ['42'] }),
    customername: z.string().meta({ examples: ['Ada Lovelace'] }),
    email: z
      .string()
      .nullable()
      .meta({ description: 'In lower case.', examples: ['ada@example.com'] }),
    phone: z
      .string()
      .nullable()
      .meta({
        description: 'In E.164 form, such as +442079460000; an extension follows as in +442079460000;ext=5 (RFC 3966).',
        examples: ['+442079460000'],
      }),
    country: z
      .string()
      .nullable()
      .meta({ description: 'ISO 3166-1 alpha-2 code, such as GB.', examples: ['GB'] }),
    updatedAt: z.iso
      .datetime()
      .meta({ description: 'When the customer was last written.', examples: ['2026-03-01T12:00:00.250Z'] }),
  })
  .meta({ id: 'Customer', description: 'A stored customer.' });

export type Customer = z.output<typeof customerSchema>;

/**
 * A submitted customer, before `normalizeCustomer` validates it. Each text has a length: what a job does with a text may cost more than
 * its length, and a request may be 1.5 MiB.
 */
export const rawCustomerSchema = z
  .object({
    id: z
      .string()
      .min(1)
      .max(64)
      .meta({
        description: "The customer's id, chosen by the caller: 1 to 64 letters, digits, '.', '_', '~' or '-'.",
        examples: ['42'],
      }),
    customername: z
      .string()
      .max(200)
      .regex(/\S/, 'Too small: expected at least one character other than white space')
      .meta({
        description:
          'At most 200 characters. Leading and trailing white space is removed, and runs of white space become one space.',
        examples: ['Ada Lovelace'],
      }),
    email: z
      .string()
      .max(320)
      .nullish()
      .meta({ description: 'An email address.', examples: ['Ada@Example.com'] }),
    phone: z
      .string()
      .max(100)
      .nullish()
      .meta({
        description: 'A phone number. Without a country code (+44…), it is read as a number of `country`.',
        examples: ['020 7946 0000'],
      }),
    country: z
      .string()
      .max(20)
      .nullish()
      .meta({ description: 'ISO 3166-1 alpha-2 code, such as GB.', examples: ['gb'] }),
  })
  .meta({ id: 'NewCustomer' });

export type RawCustomer = z.output<typeof rawCustomerSchema>;
