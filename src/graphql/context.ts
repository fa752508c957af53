import type { JobService } from '../core/service.ts';
import type { Urls } from '../core/urls.ts';

/** What resolvers get beside their arguments. */
export interface GraphQLContext {
  readonly service: JobService;
  readonly urls: Urls;
  readonly requestId: string;
}
