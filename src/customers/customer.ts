import { z } from 'zod';

/** What the table holds and callers read. */
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
      .meta({ description: 'In E.164 form, such as +442079460000.', examples: ['+442079460000'] }),
    country: z
      .string()
      .nullable()
      .meta({ description: 'ISO 3166-1 alpha-2 code, such as GB.', examples: ['GB'] }),
    updatedAt: z.iso
      .datetime()
      .meta({ description: 'When the customer was last written.', examples: ['2026-03-01T12:00:00.250Z'] }),
  })
  .meta({ id: 'Customer', description: 'A customer as the database holds it.' });

export type Customer = z.output<typeof customerSchema>;

/** What the description of a submission says of the field. */
export const CUSTOMERNAME = {
  description: 'At most 200 characters; white space is trimmed and folded.',
  examples: ['Ada Lovelace'],
};

/** A customer before it is checked; what `normalizeCustomer` takes. */
export const rawCustomerSchema = z
  .object({
    id: z.string().meta({
      description: "The customer's id, given by the caller: 1 to 64 letters, digits, '.', '_', '~' and '-'.",
      examples: ['42'],
    }),
    customername: z.string().meta(CUSTOMERNAME),
    email: z
      .string()
      .nullable()
      .optional()
      .meta({ description: 'An e-mail address.', examples: ['Ada@Example.com'] }),
    phone: z
      .string()
      .nullable()
      .optional()
      .meta({
        description: 'A phone number, with its country code or read as one of `country`.',
        examples: ['020 7946 0000'],
      }),
    country: z
      .string()
      .nullable()
      .optional()
      .meta({ description: 'ISO 3166-1 alpha-2 code, such as GB.', examples: ['gb'] }),
  })
  .meta({ id: 'NewCustomer' });

export type RawCustomer = z.output<typeof rawCustomerSchema>;
