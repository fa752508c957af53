const PARTS = /^([a-z+]+:\/\/)(?:.*@)?([^/?#]*)(\/[^?#]*)?/;

/** A store's URL without credentials, which may be in front of the host and in the query. */
export function describeUrl(url: string): string {
  const [, scheme = '', hosts = '', path = ''] = PARTS.exec(url) ?? [];
  return `${scheme}${hosts}${path}`;
}
