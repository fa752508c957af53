/** The one place where URLs are built. All are absolute. */
export interface Urls {
  /** Of the whole service, without a slash at the end. */
  readonly base: string;
  /** Path and query of a request as clients see them, with the prefix that a proxy takes away. */
  path(requestUrl: string): string;
  job(id: string): string;
  result(id: string): string;
  /** The job as a status monitor of Azure's. */
  operation(id: string): string;
  resource(collection: string, id: string): string;
  problem(name: string): string;
}

/** What a client may send, and a URL does not have: other characters, and `%` without two digits (RFC 3986, section 2). */
const NOT_IN_A_URL = /%(?![\da-f]{2})|[^\w\-.~:/?@!$&'()*+,;=%]/gi;

/** @param base scheme, host and, behind a proxy, path prefix; without a slash at the end */
export function createUrls(base: string): Urls {
  return {
    base,
    path: (requestUrl) => base.replace(/^\w+:\/\/[^/]*/, '') + requestUrl.replaceAll(NOT_IN_A_URL, encodeURIComponent),
    job: (id) => `${base}/api/jobs/${id}`,
    result: (id) => `${base}/api/jobs/${id}/result`,
    operation: (id) => `${base}/api/operations/${id}`,
    resource: (collection, id) => `${base}/api/${collection}/${encodeURIComponent(id)}`,
    problem: (name) => `${base}/problems/${name}`,
  };
}
