/** One host name or address, with its port. */
const HOST = String.raw`(?:\[[\da-f:.]+\]|[\w.-]*)(?::\d+)?`;
const PARTS = new RegExp(`^([a-z+]+://)(?:[^/?#]*@)?(${HOST}(?:,${HOST})*)(/[^?#@]*)?(?=[?#]|$)`, 'i');

/**
 * Returns a store's URL without credentials, which may stand before the hosts and in the query. An unencoded password could be
 * mistaken for another part, so such a URL is reduced to its scheme.
 */
export function describeUrl(url: string): string {
  const [, scheme = url.slice(0, url.indexOf('//') + 2), hosts = '', path = ''] = PARTS.exec(url) ?? [];
  return `${scheme}${hosts}${path}`;
}
