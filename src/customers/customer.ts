import { z } from 'zod';

/** What the table holds and callers read. */
export const customerSchema = z
  .object({
    id: z.string(),
    customername: z.string(),
    email: z.string().nullable().describe('In lower case.'),
    phone: z.string().nullable().describe('In E.164 form, such as +442079460000.'),
    country: z.string().nullable().describe('ISO 3166-1 alpha-2 code, such as GB.'),
    updatedAt: z.iso.datetime().describe('When the customer was last written.'),
  })
  .meta({ id: 'Customer', description: 'A customer as the database holds it.' });

export type Customer = z.output<typeof customerSchema>;

/** A customer before it is checked; what `normalizeCustomer` takes. */
export const rawCustomerSchema = z
  .object({
    id: z.string().describe("The customer's id, given by the caller: 1 to 64 letters, digits, '.', '_', '~' and '-'."),
    customername: z.string().describe('At most 200 characters; white space is trimmed and folded.'),
    email: z.string().nullable().optional().describe('An e-mail address.'),
    phone: z
      .string()
      .nullable()
      .optional()
      .describe('A phone number, with its country code or read as one of `country`.'),
    country: z.string().nullable().optional().describe('ISO 3166-1 alpha-2 code, such as GB.'),
  })
  .meta({ id: 'NewCustomer' });

export type RawCustomer = z.output<typeof rawCustomerSchema>;
