import { z } from 'zod';
import { StartError } from '../core/start-error.ts';
import { apiKeysSchema } from './api-keys.ts';

const MIN_SECRET_BYTES = 32;
const LOOPBACK = /^(localhost|\[::1\]|127(\.\d{1,3}){3})$/;

/** Keys fetched over a network without TLS could be replaced by an attacker's. */
const isSafeUrl = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname));
};

/** The settings of authentication. */
export const authSettings = {
  AUTH: z.literal('none', 'expected none, or nothing').optional(),
  API_KEYS: apiKeysSchema.optional(),
  JWT_ISSUER: z.string().optional(),
  JWT_AUDIENCE: z.string().optional(),
  JWT_JWKS_URL: z
    .string()
    .refine(isSafeUrl, 'expected a URL that starts with https://, or with http:// on this machine')
    .optional(),
  JWT_SECRET: z
    .string()
    .refine((secret) => Buffer.byteLength(secret) >= MIN_SECRET_BYTES, `expected ${MIN_SECRET_BYTES} bytes or more`)
    .optional(),
};

const authSettingsSchema = z.object(authSettings);
export type AuthSettings = z.output<typeof authSettingsSchema>;
type JwtName = Extract<keyof AuthSettings, `JWT_${string}`>;

/** How JWTs are verified. */
export interface JwtConfig {
  readonly issuer: string;
  readonly audience: string;
  readonly keys: { readonly kind: 'jwks'; readonly url: URL } | { readonly kind: 'secret'; readonly secret: string };
}

/** Whether authentication is required, and which credentials are accepted. */
export type AuthConfig =
  | { readonly kind: 'open' }
  | {
      readonly kind: 'closed';
      readonly apiKeys: z.output<typeof apiKeysSchema>;
      readonly jwt: JwtConfig | undefined;
    };

/** @throws StartError with one line that names the setting */
export function readAuth(settings: AuthSettings): AuthConfig {
  const { AUTH, API_KEYS: apiKeys = [] } = settings;
  const jwt = readJwt(settings);
  if (apiKeys.length === 0 && jwt === undefined) return { kind: 'open' };
  if (AUTH === 'none') {
    const other = apiKeys.length > 0 ? 'API_KEYS' : 'JWT_ISSUER';
    throw new StartError(`AUTH: expected nothing, because ${other} is set; none would open the server to anyone`);
  }
  return { kind: 'closed', apiKeys, jwt };
}

function readJwt(settings: AuthSettings): JwtConfig | undefined {
  const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWT_JWKS_URL: url, JWT_SECRET: secret } = settings;
  const names = ['JWT_ISSUER', 'JWT_AUDIENCE', 'JWT_JWKS_URL', 'JWT_SECRET'] as const satisfies JwtName[];
  const present = names.find((name) => settings[name] !== undefined);
  if (present === undefined) return undefined;
  if (issuer === undefined) throw new StartError(`JWT_ISSUER: expected an issuer, because ${present} is set`);
  if (audience === undefined) throw new StartError(`JWT_AUDIENCE: expected an audience, because ${present} is set`);
  if (url !== undefined && secret !== undefined)
    throw new StartError('JWT_SECRET: expected nothing, because JWT_JWKS_URL is set');
  if (url !== undefined) return { issuer, audience, keys: { kind: 'jwks', url: new URL(url) } };
  if (secret !== undefined) return { issuer, audience, keys: { kind: 'secret', secret } };
  throw new StartError(`JWT_JWKS_URL: expected a URL, or a JWT_SECRET, because ${present} is set`);
}
