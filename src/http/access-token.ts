/** A URL without its access tokens, which are not to be written down anywhere. */
export interface StrippedUrl {
  readonly url: string;
  readonly accessTokens: readonly string[];
}

const NAME = 'access_token';

/** Takes each `access_token` (RFC 6750, section 2.3) out of the query, and leaves the rest of the URL as it is. */
export function takeAccessTokens(url: string): StrippedUrl {
  const start = url.indexOf('?');
  if (start === -1) return { url, accessTokens: [] };
  const parameters = url.slice(start + 1).split('&');
  const others = parameters.filter((parameter) => readToken(parameter) === undefined);
  if (others.length === parameters.length) return { url, accessTokens: [] };
  return {
    url: url.slice(0, start) + (others.length > 0 ? `?${others.join('&')}` : ''),
    accessTokens: parameters.flatMap((parameter) => readToken(parameter) ?? []),
  };
}

/** Its name may be percent-encoded too. */
function readToken(parameter: string): string | undefined {
  // A question mark at the beginning would be taken for the query's own.
  return new URLSearchParams(`&${parameter}`).get(NAME) ?? undefined;
}
