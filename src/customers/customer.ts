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
      .meta({ description: 'In E.164 form, such as +442079460000.', examples: ['+442079460000'] }),
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

/** Metadata of the field, shared by the schemas that accept it. */
export const CUSTOMERNAME = {
  description:
    'At most 200 characters. Leading and trailing white space is removed, and runs of white space become one space.',
  examples: ['Ada Lovelace'],
};

/** A submitted customer, before `normalizeCustomer` validates it. */
export const rawCustomerSchema = z
  .object({
    id: z.string().meta({
      description: "The customer's id, chosen by the caller: 1 to 64 letters, digits, '.', '_', '~' or '-'.",
      examples: ['42'],
    }),
    customername: z.string().meta(CUSTOMERNAME),
    email: z
      .string()
      .nullable()
      .optional()
      .meta({ description: 'An email address.', examples: ['Ada@Example.com'] }),
    phone: z
      .string()
      .nullable()
      .optional()
      .meta({
        description: 'A phone number. Without a country code (+44…), it is read as a number of `country`.',
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
