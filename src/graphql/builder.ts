import SchemaBuilder from '@pothos/core';
import type { RequestContext } from '../core/service/request-context.ts';
import type { JobService } from '../core/service/service.ts';
import type { ReplyBudget } from './reply-budget.ts';

/** What every resolver receives. */
export interface GraphQLContext extends RequestContext {
  readonly service: JobService;
  readonly budget: ReplyBudget;
}

interface BuilderTypes {
  Context: GraphQLContext;
  DefaultFieldNullability: false;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: string; Output: Date | string };
    SafeInt: { Input: number; Output: number };
    Date: { Input: string; Output: string };
    URL: { Input: string; Output: string };
    JSON: { Input: unknown; Output: unknown };
  };
}

export type SchemaTypes = PothosSchemaTypes.ExtendDefaultTypes<BuilderTypes>;
export type Builder = PothosSchemaTypes.SchemaBuilder<SchemaTypes>;

/** A builder holds the types of one schema, so each registry needs its own. */
export function createBuilder(): Builder {
  return new SchemaBuilder<BuilderTypes>({ defaultFieldNullability: false });
}
