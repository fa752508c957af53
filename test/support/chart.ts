/** Renders the chart of `deploy/helm`: by Helm, or where it is not installed, by the packages of its template engine. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { z } from 'zod';
import { installPackages, onPath } from './install-servers.ts';

const CHART = join(import.meta.dirname, '../../deploy/helm/accepted');
const PROGRAM = join(import.meta.dirname, 'helm/main.go');
/** Where Debian keeps the sources of Go's packages. */
const GO_PATH = '/usr/share/gocode';
const GO_PACKAGES = ['golang-go', 'golang-github-masterminds-sprig-dev', 'golang-k8s-sigs-yaml-dev'];

const manifestSchema = z.looseObject({ kind: z.string(), metadata: z.looseObject({ name: z.string() }) });
export type Manifest = z.output<typeof manifestSchema>;

/** The time-out of `installChartEngine`, in milliseconds: it may have to install Go. */
export const INSTALL_ENGINE_MS = 600_000;

/** To be called once before the chart is rendered. */
export function installChartEngine(): void {
  if (onPath('helm')) return;
  if (!onPath('go') || !existsSync(join(GO_PATH, 'src/github.com/Masterminds/sprig'))) installPackages(GO_PACKAGES);
}

/** @throws what Helm says of values that the chart refuses */
export function renderChart(values: object, release = 'demo'): Manifest[] {
  const folder = mkdtempSync(join(tmpdir(), 'accepted-chart-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'values.yaml');
  writeFileSync(file, stringify(values));
  const { status, stdout, stderr } = onPath('helm')
    ? spawnSync('helm', ['template', release, CHART, '--values', file], { encoding: 'utf8' })
    : renderByEngine(file, release);
  if (status !== 0) throw new Error(stderr);
  return parseAllDocuments(stdout)
    .map((document) => document.toJS({ maxAliasCount: 0 }) as unknown)
    .filter((manifest) => manifest !== null)
    .map((manifest) => manifestSchema.parse(manifest));
}

function renderByEngine(file: string, release: string) {
  return spawnSync('go', ['run', PROGRAM, CHART, file, release], {
    encoding: 'utf8',
    env: { ...process.env, GO111MODULE: 'off', GOPATH: GO_PATH, GOCACHE: join(tmpdir(), 'accepted-go-cache') },
  });
}
