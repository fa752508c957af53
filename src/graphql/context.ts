import type { RequestContext } from '../core/service/request-context.ts';
import type { JobService } from '../core/service/service.ts';

/** What resolvers get beside their arguments. */
export interface GraphQLContext extends RequestContext {
  readonly service: JobService;
}
