import type { RequestContext } from '../core/request-context.ts';
import type { JobService } from '../core/service.ts';

/** What resolvers get beside their arguments. */
export interface GraphQLContext extends RequestContext {
  readonly service: JobService;
}
