/** The one place where URLs are built. All are absolute. */
export interface Urls {
  /** Of the whole service, without a slash at the end. */
  readonly base: string;
  job(id: string): string;
  result(id: string): string;
  /** The job as a status monitor of Azure's. */
  operation(id: string): string;
  resource(collection: string, id: string): string;
  problem(name: string): string;
}

/** @param base scheme, host and, behind a proxy, path prefix; without a slash at the end */
export function createUrls(base: string): Urls {
  return {
    base,
    job: (id) => `${base}/api/jobs/${id}`,
    result: (id) => `${base}/api/jobs/${id}/result`,
    operation: (id) => `${base}/api/operations/${id}`,
    resource: (collection, id) => `${base}/api/${collection}/${encodeURIComponent(id)}`,
    problem: (name) => `${base}/problems/${name}`,
  };
}
