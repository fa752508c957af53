/** Builds every URL that clients see. All are absolute. */
export interface Urls {
  /** Base of the whole service, without a trailing slash. */
  readonly base: string;
  /** Path and query of a request as clients see them, including a prefix that a proxy strips. */
  path(requestUrl: string): string;
  job(id: string): string;
  result(id: string): string;
  /** The job's Azure status monitor. */
  operation(id: string): string;
  batch(id: string): string;
  batchResults(id: string): string;
  resource(collection: string, id: string): string;
  /** Where a file of a job is read. @param token in the place of credentials */
  file(jobId: string, fileId: string, token: string): string;
  /** Where an upload is sent. */
  upload(owner: string, id: string, token: string): string;
  problem(name: string): string;
}

/** Characters that a request line may contain and a URL may not, including `%` without two hex digits (RFC 3986, section 2). */
const NOT_IN_A_URL = /%(?![\da-f]{2})|[^\w\-.~:/?@!$&'()*+,;=%]/gi;

/** @param base scheme, host and optional path prefix, without a trailing slash */
export function createUrls(base: string): Urls {
  return {
    base,
    path: (requestUrl) => base.replace(/^\w+:\/\/[^/]*/, '') + requestUrl.replaceAll(NOT_IN_A_URL, encodeURIComponent),
    job: (id) => `${base}/api/jobs/${id}`,
    result: (id) => `${base}/api/jobs/${id}/result`,
    operation: (id) => `${base}/api/operations/${id}`,
    batch: (id) => `${base}/api/batches/${id}`,
    batchResults: (id) => `${base}/api/batches/${id}/results`,
    resource: (collection, id) => `${base}/api/${collection}/${encodeURIComponent(id)}`,
    file: (jobId, fileId, token) => `${base}/files/${jobId}/${fileId}?access_token=${token}`,
    upload: (owner, id, token) => `${base}/uploads/${owner}/${id}?access_token=${token}`,
    problem: (name) => `${base}/problems/${name}`,
  };
}
