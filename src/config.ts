import { existsSync, readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { parseEnv } from 'node:util';
import { z } from 'zod';
import { type AuthConfig, type AuthSettings, authSettings, readAuth } from './auth/auth-settings.ts';
import { StartError } from './core/start-error.ts';
import { NOTHING_ALLOWED, webhookAllowSchema } from './webhooks/webhook-allow.ts';
import {
  type TraceConfig,
  type TraceSettings,
  readTraces,
  refuseTraceSettings,
  traceSettings,
} from './observability/trace-settings.ts';

/** In the working directory. */
export const ENVIRONMENT_FILE = '.env';

export const QUEUE_SCHEMES = ['redis:', 'rediss:', 'redis+sentinel:', 'redis+cluster:', 'postgres:', 'postgresql:'];
const LOOPBACK = /^(localhost|::1|127(\.\d{1,3}){3})$/i;
const DATABASE_SCHEMES = ['postgres:', 'postgresql:'];

/** A whole number in decimal digits. */
const wholeNumber = (minimum: number, maximum: number) => {
  const message = `expected a whole number from ${minimum} to ${maximum}`;
  return z
    .string()
    .regex(/^\d{1,13}$/, message)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, message);
};

const onOff = z
  .string()
  .toLowerCase()
  .pipe(z.enum(['on', 'off'], 'expected on or off'))
  .transform((value) => value === 'on');

const urlWithScheme = (schemes: readonly string[]) =>
  z
    .string()
    .refine(
      (value) => schemes.some((scheme) => value.startsWith(`${scheme}//`)),
      `expected a URL that starts with ${schemes.map((scheme) => `${scheme}//`).join(', ')}`,
    );

const isOrigin = (text: string): boolean =>
  text === '*' || (/^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text);

const TRUST: ReadonlyMap<string, boolean> = new Map([
  ['on', true],
  ['off', false],
]);
const isAddress = (text: string): boolean => {
  const [address = '', bits = '0', ...more] = text.split('/');
  const longest = isIP(address) === 4 ? 32 : 128;
  return isIP(address) !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= longest && more.length === 0;
};

const SECONDS_IN: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** Undefined for no limit. */
const rateLimit = z
  .string()
  .toLowerCase()
  .regex(
    /^(off|[1-9]\d{0,8}\/[1-9]\d{0,3}[smh])$/,
    'expected off, or a number of requests and a period, such as 100/1s, 6000/1m or 9000/1h',
  )
  .transform((value) => {
    if (value === 'off') return undefined;
    const [requests = '', time = ''] = value.split('/');
    return { requests: Number(requests), seconds: Number(time.slice(0, -1)) * (SECONDS_IN[time.slice(-1)] ?? 1) };
  });

/** Undefined for `off`. */
const portOrOff = z
  .string()
  .toLowerCase()
  .regex(/^(off|\d{1,5})$/, 'expected off, or a whole number from 0 to 65535')
  .transform((value) => (value === 'off' ? value : Number(value)))
  .refine((value) => value === 'off' || value <= 65_535, 'expected off, or a whole number from 0 to 65535');

/** From 0 to 1. */
const share = z
  .string()
  .toLowerCase()
  .regex(/^(on|off|0?\.\d{1,6}|[01](\.0+)?)$/, 'expected on, off, or a share such as 0.1')
  .transform((value) => ({ on: 1, off: 0 })[value] ?? Number(value));

/** One entry for each setting; docs/settings.md describes them. */
export const settingsSchema = z.object({
  PORT: wholeNumber(0, 65_535).default(4000),
  HOST: z.string().default('127.0.0.1'),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/, error: 'expected a URL that starts with http:// or https://' })
    .refine((url) => !/[?#]/.test(url), 'expected a URL without a query or a fragment')
    .transform((url) => url.replace(/\/+$/, ''))
    .optional(),
  QUEUE_URL: urlWithScheme(QUEUE_SCHEMES).optional(),
  DATABASE_URL: urlWithScheme(DATABASE_SCHEMES).optional(),
  JOBS_DIR: z
    .string()
    .refine((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false, 'expected an existing folder')
    .optional(),
  DATA_DIR: z.string().default('.data'),
  ARTIFACTS_URL: z
    .string()
    .refine(
      (url) => /^(file:.|s3:\/\/.)/.test(url) && (url.startsWith('file:') || URL.canParse(url)),
      'expected a URL that starts with file: or s3://',
    )
    .optional(),
  ARTIFACT_MAX_BYTES: wholeNumber(1, 50_000_000_000).default(1_073_741_824),
  // S3 takes 5 GiB in one request.
  UPLOAD_MAX_BYTES: wholeNumber(1, 5_368_709_120).default(104_857_600),
  CALLER_MAX_UPLOAD_BYTES: wholeNumber(1, 1_000_000_000_000).default(1_073_741_824),
  AWS_ACCESS_KEY_ID: z.string().optional(),
  AWS_SECRET_ACCESS_KEY: z.string().optional(),
  AWS_SESSION_TOKEN: z.string().optional(),
  AWS_REGION: z
    .string()
    .regex(/^[a-z\d-]+$/, 'expected a region such as eu-central-1')
    .optional(),
  WORKER_CONCURRENCY: wholeNumber(1, 10_000).default(10),
  JOB_RETENTION_SECONDS: wholeNumber(1, 2_000_000_000).default(86_400),
  QUEUE_MAX_DEPTH: wholeNumber(1, 1_000_000_000).default(100_000),
  CALLER_MAX_DEPTH: wholeNumber(1, 1_000_000_000).optional(),
  RATE_LIMIT: rateLimit.optional(),
  SHUTDOWN_DELAY_SECONDS: wholeNumber(0, 3600).default(0),
  SHUTDOWN_GRACE_SECONDS: wholeNumber(0, 3600).default(10),
  CORS_ORIGINS: z
    .string()
    .transform((value) => value.split(',').map((origin) => origin.trim()))
    .refine(
      (origins) => origins.every(isOrigin),
      'expected *, or origins such as https://app.example.com, separated by commas',
    )
    .default([]),
  TRUST_PROXY: z
    .string()
    .transform((value) => TRUST.get(value.toLowerCase()) ?? value.split(',').map((address) => address.trim()))
    .refine(
      (value) => typeof value === 'boolean' || value.every(isAddress),
      'expected on, off, or IP addresses and CIDR blocks, separated by commas',
    )
    .default(false),
  WEBHOOK_ALLOW: webhookAllowSchema.default(NOTHING_ALLOWED),
  METRICS_PORT: portOrOff.optional(),
  ...authSettings,
  ...traceSettings,
  REST: onOff.default(true),
  GRAPHIQL: onOff.default(true),
  CONSOLE: onOff.default(true),
  GRAPHQL_INTROSPECTION: onOff.default(true),
  LOG_ERRORS: z
    .enum(['full', 'safe'], 'expected full or safe')
    .transform((value) => value === 'full')
    .optional(),
  LOG_FORMAT: z.enum(['json', 'pretty', 'auto'], 'expected json, pretty or auto').default('auto'),
  LOG_REQUESTS: share.default(1),
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'], 'expected debug, info, warn, error or silent')
    .default('info'),
});

type Settings = z.output<typeof settingsSchema>;

/** The parts that a process runs: the API, the worker, or both. */
export const roles = ['all', 'api', 'worker'] as const;
export type Role = (typeof roles)[number];

/** All settings, after validation. */
export type Config = Readonly<
  Omit<Settings, keyof AuthSettings | keyof TraceSettings | 'LOG_ERRORS'> & {
    role: Role;
    auth: AuthConfig;
    /** Undefined: traces are off. */
    traces: TraceConfig | undefined;
    /** The variables that are set, for the project's own settings. */
    environment: Readonly<Record<string, string | undefined>>;
    /** Whether the log has what functions of jobs throw as a whole, with messages that may contain personal data. */
    LOG_ERRORS: boolean;
  }
>;

/**
 * Reads the settings from the environment; an empty variable counts as unset.
 * @throws StartError with a line for each setting that is not valid
 */
export function readConfig(role: Role, environment: NodeJS.ProcessEnv = process.env): Config {
  const set = withoutEmpty(environment);
  const parsed = parseSettings(settingsSchema, set);
  const { AUTH, API_KEYS, JWT_ISSUER, JWT_AUDIENCE, JWT_JWKS_URL, JWT_SECRET, ...settings } = parsed;
  const auth = readAuth({ AUTH, API_KEYS, JWT_ISSUER, JWT_AUDIENCE, JWT_JWKS_URL, JWT_SECRET });
  if (role !== 'worker' && auth.kind === 'open' && AUTH === undefined) requireLoopback(settings.HOST);
  if (role !== 'all') refuseEmbedded(settings, role);
  const DATABASE_URL = settings.DATABASE_URL ?? postgresOnly(settings.QUEUE_URL);
  const LOG_ERRORS = settings.LOG_ERRORS ?? set['NODE_ENV'] !== 'production';
  return Object.freeze({
    ...settings,
    DATABASE_URL,
    LOG_ERRORS,
    role,
    auth,
    traces: readTraces(parsed),
    environment: set,
  });
}

/**
 * Parses settings by a schema with a field for each.
 * @throws StartError with a line for each setting that is not valid
 */
export function parseSettings<Schema extends z.ZodObject>(
  schema: Schema,
  environment: NodeJS.ProcessEnv,
): z.output<Schema> {
  const parsed = schema.safeParse(withoutEmpty(environment));
  if (parsed.success) return parsed.data;
  throw new StartError(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${reasonOf(issue)}`));
}

function reasonOf({ code, message }: z.core.$ZodIssue): string {
  return code === 'invalid_type' && message.endsWith('received undefined') ? 'not set, and required' : message;
}

function withoutEmpty(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
}

/** Without API_KEYS or JWT_ISSUER, anyone may call, so the server binds to a loopback address only, unless AUTH=none allows more. */
function requireLoopback(host: string): void {
  if (LOOPBACK.test(host)) return;
  throw new StartError(
    `HOST: without API_KEYS or JWT_ISSUER, anyone who can reach ${host} may call; expected 127.0.0.1, or set AUTH=none to allow this`,
  );
}

/** What the environment has from the file `.env`. */
const fromFile = new Map<string, string>();

/**
 * Adds the variables in the file `.env` of the working directory, if there is one, to the environment, which goes before it. Called again, it
 * replaces what the file had.
 */
export function loadEnvironment(): void {
  for (const [name, value] of fromFile) if (process.env[name] === value) delete process.env[name];
  fromFile.clear();
  if (!existsSync(ENVIRONMENT_FILE)) return;
  for (const [name, value] of Object.entries(parseEnv(readFileSync(ENVIRONMENT_FILE, 'utf8')))) {
    if (value === undefined || process.env[name] !== undefined) continue;
    process.env[name] = value;
    fromFile.set(name, value);
  }
}

/**
 * The folder of the job types, where no other setting is read.
 * @throws StartError with one line that names the setting
 */
export function readJobsDir(): string | undefined {
  return parseSettings(settingsSchema.pick({ JOBS_DIR: true }), process.env).JOBS_DIR;
}

/** The settings of stores alone. @throws StartError with a line for each that is not valid */
export function readStoreConfig(): Pick<Config, 'DATA_DIR' | 'JOB_RETENTION_SECONDS'> {
  return parseSettings(settingsSchema.pick({ DATA_DIR: true, JOB_RETENTION_SECONDS: true }), process.env);
}

/** The configuration of `accepted dev`: running jobs go back to the queue at once, and run again after the restart. */
export function readDevConfig(): Config {
  return readConfig('all', { SHUTDOWN_GRACE_SECONDS: '0', LOG_ERRORS: 'full', LOG_FORMAT: 'pretty', ...process.env });
}

/**
 * The configuration of a server inside another program.
 * @param settings go before environment variables
 * @throws StartError with a line for each setting that is not valid
 */
export function readServerConfig(role: Role, settings: Readonly<Record<string, string>> = {}): Config {
  refuseTraceSettings(settings);
  return readConfig(role, { ...process.env, ...settings });
}

/** The configuration of a server in a test, on a port that the system chooses and a store in memory. */
export function readTestConfig(settings: Readonly<Record<string, string>>): Config {
  return readConfig('all', { PORT: '0', LOG_LEVEL: 'warn', SHUTDOWN_GRACE_SECONDS: '0', ...settings });
}

/** Whether npm started this process as a script of package.json. */
export function isNpmScript(): boolean {
  return process.env['npm_lifecycle_event'] !== undefined;
}

/** The embedded store works in one process only, so it cannot connect an API process with a worker process. */
function refuseEmbedded({ QUEUE_URL }: Pick<Settings, 'QUEUE_URL'>, role: Role): void {
  if (QUEUE_URL !== undefined) return;
  throw new StartError(
    `QUEUE_URL: the role ${role} needs a queue shared between processes; set it to redis://… or postgres://…, or run both roles in one process`,
  );
}

function postgresOnly(url: string | undefined): string | undefined {
  return url !== undefined && /^postgres(ql)?:/.test(url) ? url : undefined;
}
