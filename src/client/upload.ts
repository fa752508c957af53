import type { UploadOptions, UploadedFile } from './client-types.ts';
import { ProblemError } from './errors.ts';
import { createBackoff } from './retry.ts';
import { type Transport, isTransient } from './transport.ts';

/** Seconds for one try to send a file. */
const SEND_SECONDS = 3600;

interface Reservation extends UploadedFile {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Reserves an upload, and sends the bytes where the server says, without the client's credentials. */
export async function uploadFile(
  transport: Transport,
  send: typeof fetch,
  file: Blob,
  { name, contentType, signal }: UploadOptions,
): Promise<UploadedFile> {
  const body = {
    name: name ?? ('name' in file && typeof file.name === 'string' && file.name !== '' ? file.name : 'file'),
    contentType: contentType ?? (file.type || 'application/octet-stream'),
    size: file.size,
  };
  const reply = await transport.request('POST', '/api/uploads', { body, signal });
  // The server's contract.
  const { id, url, headers } = reply.body as Reservation;
  const backoff = createBackoff({ retryForSeconds: transport.retryForSeconds, signal });
  for (let isRepeated = false; ; isRepeated = true) {
    const timeout = AbortSignal.timeout(SEND_SECONDS * 1000);
    let error: unknown;
    try {
      const response = await send(url, {
        method: 'PUT',
        headers,
        body: file,
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      const text = await response.text();
      // What was sent before has arrived after all, and only the reply was lost.
      if (response.ok || (isRepeated && response.status === 412)) return { id };
      error = new ProblemError(response, text);
      if (!isTransient(response.status)) throw error;
    } catch (cause) {
      signal?.throwIfAborted();
      if (cause === error) throw cause;
      error = cause;
    }
    await backoff.wait(error);
  }
}
