import { z } from 'zod';
import { newUploadSchema } from '../../core/files/files.ts';
import { SECURITY, describeReply, problemReplies } from '../openapi/responses.ts';
import type { RestApi, Route } from '../route.ts';

const uploadSchema = z
  .object({
    id: z.string().describe('For the input of a job, as `{ "id": … }`, when the file has been sent.'),
    method: z.literal('PUT'),
    url: z.url().describe('Where to send the bytes, once, without credentials.'),
    headers: z.record(z.string(), z.string()).describe('To send exactly so.'),
    expiresAt: z.date().describe('When the URL and the upload expire; a job that has it keeps it longer.'),
  })
  .meta({ id: 'Upload', description: 'Where to send a file, and how.' });

/** `POST /api/uploads`: reserves an upload for the input of a job. */
export const uploadRoute: Route<RestApi> = {
  method: 'POST',
  path: '/api/uploads',
  operation: {
    tags: ['Uploads'],
    security: SECURITY.callers,
    operationId: 'createUpload',
    summary: 'Reserve an upload',
    description:
      'For an input with a file: send the bytes with a PUT to the `url` of the reply, and submit the job with the `id`. An upload that no job has within an hour is removed.',
    requestBody: { required: true, content: { 'application/json': { schema: newUploadSchema } } },
    responses: {
      201: describeReply({ description: 'Reserved.', schema: uploadSchema }),
      ...problemReplies([
        'invalid-input',
        'too-large',
        'unsupported-media-type',
        'quota-exceeded',
        'service-unavailable',
      ]),
    },
  },
  async handle(request, reply, { service, contextOf }) {
    const { caller, urls } = contextOf(request, reply);
    const upload = await service.createUpload(request.body, caller, urls);
    return reply
      .status(201)
      .header('Cache-Control', 'no-store')
      .send({ ...upload, method: 'PUT' });
  },
};
