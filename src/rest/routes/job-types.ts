import { jobTypeStatsSchema } from '../../core/job-type-stats.ts';
import { SECURITY, describeReply, problemReplies } from '../openapi/responses.ts';
import { sendJson } from '../replies.ts';
import { jobTypePath } from '../requests.ts';
import type { RestApi, Route } from '../route.ts';
import { jobTypeListSchema, serializeJobTypeList, serializeJobTypeStats } from '../schemas.ts';

const shared = { tags: ['Job types'], security: SECURITY.callers };

const listJobTypes: Route<RestApi> = {
  method: 'GET',
  path: '/api/job-types',
  operation: {
    ...shared,
    operationId: 'listJobTypes',
    summary: 'List job types',
    description: 'All job types with the state of their queues. Needs the scope `admin`.',
    responses: {
      200: describeReply({ description: 'The job types.', schema: jobTypeListSchema }),
      ...problemReplies([]),
    },
  },
  async handle(request, reply, { service, contextOf }) {
    const items = await service.listTypes(contextOf(request, reply).caller);
    return sendJson(reply, serializeJobTypeList({ items: [...items] }));
  },
};

interface Change {
  readonly action: 'pause' | 'resume';
  readonly summary: string;
  readonly description: string;
}

const changeJobType = ({ action, summary, description }: Change): Route<RestApi> => ({
  method: 'POST',
  path: `/api/job-types/{name}/${action}`,
  operation: {
    ...shared,
    operationId: `${action}JobType`,
    summary,
    description: `${description} Sent again, the reply is the same. Needs the scope \`admin\`.`,
    requestParams: { path: jobTypePath },
    responses: {
      200: describeReply({ description: 'Done: the state of the type.', schema: jobTypeStatsSchema }),
      ...problemReplies(['not-found', 'too-large', 'unsupported-media-type']),
    },
  },
  async handle(request, reply, { service, contextOf }) {
    const { name } = jobTypePath.parse(request.params);
    const change = action === 'pause' ? service.pauseType : service.resumeType;
    const stats = await change(name, contextOf(request, reply).caller);
    return sendJson(reply.header('Cache-Control', 'no-store'), serializeJobTypeStats(stats));
  },
});

/** `/api/job-types`: what operators see of job types, and do with them. */
export const jobTypeRoutes: readonly Route<RestApi>[] = [
  listJobTypes,
  changeJobType({
    action: 'pause',
    summary: 'Pause a job type',
    description:
      'Workers take no more jobs of the type until it is resumed. Jobs that run continue, and others are accepted and wait.',
  }),
  changeJobType({
    action: 'resume',
    summary: 'Resume a job type',
    description: 'Workers take jobs of the type again.',
  }),
];
