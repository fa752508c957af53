/** Files in inputs and results, and uploads for them. */
import type { z } from 'zod';
import type { CreatedUpload } from '../../core/files/files.ts';
import type { fileViewSchema } from '../../core/files/file-view.ts';
import type { Builder } from '../builder.ts';

/** The names of these types, where job types have files. */
export const FILE_TYPES = ['File', 'FileInput', 'CreateUploadInput', 'Upload', 'UploadHeader'] as const;

/** Adds the type of files that callers read. */
export function addFileObject(builder: Builder) {
  return builder.objectRef<z.output<typeof fileViewSchema>>('File').implement({
    description: 'A file of a job, kept as long as the job.',
    fields: (t) => ({
      id: t.exposeID('id', { description: 'Of the file within its job.' }),
      name: t.exposeString('name', { description: 'Its name, as its author or uploader chose it.' }),
      contentType: t.exposeString('contentType', { description: 'Its media type.' }),
      size: t.float({ description: 'Its size in bytes.', resolve: ({ size }) => size }),
      sha256: t.string({
        nullable: true,
        description: 'Its SHA-256 in hexadecimal, where this server saw its bytes.',
        resolve: ({ sha256 }) => sha256,
      }),
      url: t.field({
        type: 'URL',
        description: 'Where to read it, without credentials, until it expires. Read the job again for another one.',
        resolve: ({ url }) => url,
      }),
      expiresAt: t.field({
        type: 'DateTime',
        description: 'When the URL expires.',
        resolve: ({ expiresAt }) => expiresAt,
      }),
    }),
  });
}

/** Adds the type of files that callers send. */
export function addFileInput(builder: Builder) {
  return builder.inputType('FileInput', {
    description: 'An upload, for one job.',
    fields: (t) => ({ id: t.id({ required: true, description: 'The id that createUpload returned.' }) }),
  });
}

/** Adds the mutation that begins an upload. */
export function addCreateUpload(builder: Builder): void {
  const input = builder.inputType('CreateUploadInput', {
    fields: (t) => ({
      name: t.string({ required: true, description: 'Its name, of at most 255 characters without slashes.' }),
      contentType: t.string({ required: true, description: 'Its media type, such as application/pdf.' }),
      size: t.float({ required: true, description: 'Its size in bytes, a whole number.' }),
    }),
  });
  const header = builder.objectRef<readonly [name: string, value: string]>('UploadHeader').implement({
    fields: (t) => ({
      name: t.string({ resolve: ([name]) => name }),
      value: t.string({ resolve: ([, value]) => value }),
    }),
  });
  const upload = builder.objectRef<CreatedUpload>('Upload').implement({
    description: 'Where to send a file, once, and how: PUT its bytes to the URL with these headers.',
    fields: (t) => ({
      id: t.exposeID('id', { description: 'For the input of a job, when the file has been sent.' }),
      url: t.field({ type: 'URL', resolve: ({ url }) => url }),
      headers: t.field({ type: [header], resolve: ({ headers }) => Object.entries(headers) }),
      expiresAt: t.field({
        type: 'DateTime',
        description: 'When the URL and the upload expire; a job that has it keeps it longer.',
        resolve: ({ expiresAt }) => expiresAt,
      }),
    }),
  });
  builder.mutationField('createUpload', (t) =>
    t.field({
      type: upload,
      nullable: true,
      extensions: { access: { scope: 'submit' } },
      description: 'Reserves an upload for the input of a job.',
      args: { input: t.arg({ type: input, required: true }) },
      resolve: (_, { input: file }, { service, caller, urls }) => service.createUpload(file, caller, urls),
    }),
  );
}
