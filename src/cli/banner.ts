import type { Running } from '../app.ts';
import type { Config } from '../config.ts';

const WIDTH = 12;

/** The message on a terminal when the process is ready. */
export function renderBanner({ url, metricsUrl, queue, jobTypes }: Running, config: Config, startMs: number): string {
  const lines: [string, string][] = [];
  if (url !== undefined) {
    lines.push(['GraphQL', `${url}/graphql${config.GRAPHIQL ? '  (GraphiQL in a browser)' : ''}`]);
    if (config.REST) lines.push(['REST', `${url}/openapi.json  (${url}/docs in a browser)`]);
    if (config.CONSOLE) lines.push(['Console', `${url}/console`]);
    lines.push(['Health', `${url}/health/ready`]);
    lines.push(['Callers', config.auth.kind === 'open' ? 'anyone' : 'with an API key or a token']);
  }
  if (metricsUrl !== undefined) lines.push(['Metrics', `${metricsUrl}/metrics`]);
  lines.push(['Job types', jobTypes.join(', ')], ['Queue', queue], ['Database', describeDatabase(config)]);
  const title = `Accepted is ready (${ROLES[config.role]}, ${(startMs / 1000).toFixed(1)} s)`;
  return `\n  ${title}\n\n${lines.map(([name, value]) => `  ${name.padEnd(WIDTH)}${value}\n`).join('')}\n`;
}

const ROLES = { all: 'API and worker', api: 'API', worker: 'worker' } as const;

function describeDatabase({ DATABASE_URL, DATA_DIR }: Config): string {
  if (DATABASE_URL === undefined) return `PostgreSQL, embedded in ${DATA_DIR}`;
  return `PostgreSQL (${new URL(DATABASE_URL).host})`;
}
