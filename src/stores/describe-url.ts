/** One host, by its name or its address, and its port. */
const HOST = String.raw`(?:\[[\da-f:.]+\]|[\w.-]*)(?::\d+)?`;
const PARTS = new RegExp(`^([a-z+]+://)(?:[^/?#]*@)?(${HOST}(?:,${HOST})*)(/[^?#@]*)?(?=[?#]|$)`, 'i');

/**
 * A store's URL without credentials, which may be in front of the hosts and in the query. Of one whose password is not encoded,
 * so that it could be taken for another part, the scheme alone.
 */
export function describeUrl(url: string): string {
  const [, scheme = url.slice(0, url.indexOf('//') + 2), hosts = '', path = ''] = PARTS.exec(url) ?? [];
  return `${scheme}${hosts}${path}`;
}
