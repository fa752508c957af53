import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { startAppForTest } from '../support/app.ts';
import { poll } from '../support/follow.ts';
import { scrape } from '../support/metrics.ts';

const DEPLOY = join(import.meta.dirname, '../../deploy');
const ALERTS = join(DEPLOY, 'prometheus/alerts.yaml');
const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');

/** Series by their names, with a sample each minute. */
type Series = Readonly<Record<string, string>>;
type Labels = Readonly<Record<string, string>>;

const REQUESTS = 'http_server_request_duration_seconds_count';
const PROCESS = 'job="accepted",instance="a:4000"';
const SERVED = { [`${REQUESTS}{${PROCESS},accepted_api="rest",error_type=""}`]: '0+600x60' };

/** What Prometheus reads while all is well. */
const HEALTHY: Series = {
  ...SERVED,
  [`${REQUESTS}{${PROCESS},accepted_api="rest",error_type="not-found"}`]: '0+300x60',
  [`accepted_store_up{${PROCESS},store="queue"}`]: '1x60',
  [`accepted_store_circuit{${PROCESS},store="queue",state="read-only"}`]: '0x60',
  [`accepted_jobs_waiting{${PROCESS},type="t"}`]: Array.from({ length: 60 }, (_, minute) => (minute * 37) % 100).join(
    ' ',
  ),
  [`accepted_jobs_running{${PROCESS},type="t"}`]: '5x60',
  [`accepted_oldest_waiting_seconds{${PROCESS},type="t"}`]: '20x60',
  [`accepted_jobs_ended_total{${PROCESS},type="t",status="Succeeded",code=""}`]: '0+100x60',
  [`accepted_jobs_ended_total{${PROCESS},type="t",status="Failed",code="JOB_FAILED"}`]: '0+1x60',
  [`accepted_jobs_ended_total{${PROCESS},type="t",status="Failed",code="JOB_STALLED"}`]: '0x60',
  [`accepted_jobs_quarantined_total{${PROCESS},type="t"}`]: '0 1x59',
  [`messaging_process_duration_seconds_count{${PROCESS},messaging_destination_name="t"}`]: '0+100x60',
  [`nodejs_eventloop_delay_mean_seconds{${PROCESS}}`]: '0.02x60',
};

const OF_TYPE = { type: 't' };
const OF_INSTANCE = { job: 'accepted', instance: 'a:4000' };
const OF_STORE = { ...OF_INSTANCE, store: 'queue' };

/** For each alert what is wrong, and the labels with which it fires. */
const WRONG: Readonly<Record<string, readonly [Series, Labels]>> = {
  AcceptedStoreUnavailable: [{ [`accepted_store_up{${PROCESS},store="queue"}`]: '1 1 0x58' }, OF_STORE],
  AcceptedStoreReadOnly: [
    { [`accepted_store_circuit{${PROCESS},store="queue",state="read-only"}`]: '0 1x59' },
    OF_STORE,
  ],
  AcceptedErrorRate: [
    { ...SERVED, [`${REQUESTS}{${PROCESS},accepted_api="graphql",error_type="internal-error"}`]: '0+12x60' },
    { job: 'accepted' },
  ],
  AcceptedRefusals: [
    { ...SERVED, [`${REQUESTS}{${PROCESS},accepted_api="graphql",error_type="queue-full"}`]: '0+60x60' },
    { job: 'accepted', error_type: 'queue-full' },
  ],
  AcceptedQueueGrowing: [{ [`accepted_jobs_waiting{${PROCESS},type="t"}`]: '0+100x60' }, OF_TYPE],
  AcceptedOldestWaiting: [{ [`accepted_oldest_waiting_seconds{${PROCESS},type="t"}`]: '0+60x60' }, OF_TYPE],
  AcceptedNothingRuns: [
    {
      [`accepted_jobs_waiting{${PROCESS},type="t"}`]: '3x60',
      [`accepted_jobs_running{${PROCESS},type="t"}`]: '0x60',
      [`messaging_process_duration_seconds_count{${PROCESS},messaging_destination_name="t"}`]: '7x60',
    },
    OF_TYPE,
  ],
  AcceptedFailureRatio: [
    {
      [`accepted_jobs_ended_total{${PROCESS},type="t",status="Succeeded",code=""}`]: '0+80x60',
      [`accepted_jobs_ended_total{${PROCESS},type="t",status="Failed",code="JOB_FAILED"}`]: '0+20x60',
    },
    OF_TYPE,
  ],
  AcceptedPoisonJob: [{ [`accepted_jobs_quarantined_total{${PROCESS},type="t"}`]: '0+1x60' }, OF_TYPE],
  AcceptedEventLoopDelay: [{ [`nodejs_eventloop_delay_mean_seconds{${PROCESS}}`]: '0.5x60' }, OF_INSTANCE],
};

const rulesSchema = z.object({
  groups: z.array(
    z.object({
      rules: z.array(z.object({ alert: z.string(), expr: z.string(), labels: z.record(z.string(), z.string()) })),
    }),
  ),
});
type Rule = z.output<typeof rulesSchema>['groups'][number]['rules'][number];

function readRules(): readonly Rule[] {
  return rulesSchema.parse(parse(readFileSync(ALERTS, 'utf8'))).groups.flatMap(({ rules }) => rules);
}

const panelsSchema = z.object({
  panels: z.array(z.object({ targets: z.array(z.object({ expr: z.string() })).default([]) })),
});

/** Runs promtool, and resolves to what it wrote. */
function promtool(
  args: readonly string[],
  input?: string,
): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(inject('promtool'), args, { input, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

/**
 * Runs Prometheus's own tests of rules.
 * @param tests series, and for each alert the labels with which it fires at the end of them; undefined: it does not
 */
function testRules(
  tests: readonly { readonly series: Series; readonly alerts: Readonly<Record<string, Labels | undefined>> }[],
): void {
  const folder = mkdtempSync(join(tmpdir(), 'accepted-rules-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'tests.yaml');
  const contents = {
    rule_files: [ALERTS],
    evaluation_interval: '1m',
    tests: tests.map(({ series, alerts }) => ({
      interval: '1m',
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      promql_expr_test: Object.entries(alerts).map(([alert, labels]) => ({
        expr: `sum without (alertname, alertstate) (ALERTS{alertname="${alert}",alertstate="firing"})`,
        eval_time: '40m',
        exp_samples: labels === undefined ? [] : [{ labels: toSelector(labels), value: 1 }],
      })),
    })),
  };
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(contents));
  const { status, output } = promtool(['test', 'rules', file]);
  expect(output).toContain('SUCCESS');
  expect(status).toBe(0);
}

function toSelector(labels: Labels): string {
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ')}}`;
}

it('each alert fires for what it is there for, and none while all is well', () => {
  const rules = readRules();
  expect(rules.map(({ alert }) => alert).toSorted()).toEqual(Object.keys(WRONG).toSorted());
  testRules([{ series: HEALTHY, alerts: Object.fromEntries(rules.map(({ alert }) => [alert, undefined])) }]);
  testRules(
    rules.map(({ alert, labels }) => {
      const [series = {}, own = {}] = WRONG[alert] ?? [];
      return { series, alerts: { [alert]: { ...labels, ...own } } };
    }),
  );
});

it('the dashboard and the alerts name metrics and labels that there are', async () => {
  const app = await startAppForTest('redis', { JOBS_DIR });
  await app.post('/api/scripted-jobs', { text: 'a' });
  const now = await poll(
    () => scrape(app.url),
    (each) => each.sum('accepted_jobs_ended_total', { status: 'Succeeded' }) === 1,
  );
  const labels = new Set([...now.text.matchAll(/[{,](\w+)="/g)].map(([, name = '']) => name));
  const dashboard = panelsSchema.parse(JSON.parse(readFileSync(join(DEPLOY, 'grafana/accepted.json'), 'utf8')));
  const expressions = [
    ...readRules().map(({ expr }) => expr),
    ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ];
  expect(expressions.length).toBeGreaterThan(30);
  for (const expression of expressions) {
    const words = expression
      .replaceAll(/"[^"]*"/g, '')
      .matchAll(/\b(?:accepted|http|messaging|nodejs|process|v8js|graphql|error)_\w+/g);
    for (const [word] of words) {
      const metric = word.replace(/_(bucket|sum|count)$/, '');
      expect(`${word}: ${now.names.has(metric) || now.names.has(word) || labels.has(word)}`).toBe(`${word}: true`);
    }
  }
  // Prometheus reads all of it, and finds the names good.
  expect(promtool(['check', 'metrics'], now.text)).toEqual({ status: 0, output: '' });
});
