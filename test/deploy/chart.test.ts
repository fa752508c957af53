import { beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { settingsSchema } from '../../src/config.ts';
import { INSTALL_ENGINE_MS, type Manifest, installChartEngine, renderChart } from '../support/chart.ts';

beforeAll(installChartEngine, INSTALL_ENGINE_MS);

const labels = z.record(z.string(), z.string());
const probe = z.object({ httpGet: z.object({ path: z.string(), port: z.string() }) });
const container = z.object({
  args: z.array(z.string()),
  image: z.string(),
  env: z.array(z.object({ name: z.string(), value: z.string() })),
  envFrom: z.array(z.object({ secretRef: z.object({ name: z.string() }) })),
  ports: z.array(z.object({ name: z.string(), containerPort: z.int() })),
  startupProbe: probe,
  livenessProbe: probe,
  readinessProbe: probe,
  securityContext: z.object({}).loose(),
});
const deploymentSchema = z.object({
  spec: z.object({
    replicas: z.int().optional(),
    selector: z.object({ matchLabels: labels }),
    template: z.object({
      metadata: z.object({ labels }),
      spec: z.object({
        terminationGracePeriodSeconds: z.int(),
        securityContext: z.object({ runAsNonRoot: z.boolean() }).loose(),
        containers: z.tuple([container]),
      }),
    }),
  }),
});
const selectingSchema = z.object({ spec: z.object({ selector: z.object({ matchLabels: labels }) }) });
const serviceSchema = z.object({
  spec: z.object({ selector: labels, ports: z.array(z.object({ name: z.string(), targetPort: z.string() })) }),
});
const scaledSchema = z.object({
  spec: z.object({
    scaleTargetRef: z.object({ name: z.string() }),
    triggers: z.array(z.object({ type: z.string(), metadata: labels })),
  }),
});

function find(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  return manifests.find((one) => one.kind === kind && one.metadata.name === name) ?? expect.fail(`no ${kind} ${name}`);
}

it.each(['api', 'worker'] as const)('the chart runs the role %s as the image and the settings need it', (role) => {
  const manifests = renderChart({
    shutdownDelaySeconds: 7,
    shutdownGraceSeconds: 100,
    settings: { RATE_LIMIT: '9/1s' },
  });
  const { replicas, selector, template } = deploymentSchema.parse(find(manifests, 'Deployment', `demo-${role}`)).spec;
  const [pod] = template.spec.containers;
  expect(replicas).toBe(2);
  expect(pod.args).toEqual([role]);
  expect(pod.envFrom).toEqual([{ secretRef: { name: 'accepted' } }]);
  const env = Object.fromEntries(pod.env.map(({ name, value }) => [name, value]));
  expect(env).toMatchObject({ RATE_LIMIT: '9/1s', SHUTDOWN_GRACE_SECONDS: '100' });
  expect(settingsSchema.partial().parse(env)).toBeDefined();
  expect(Object.keys(settingsSchema.shape)).toEqual(expect.arrayContaining(Object.keys(env)));

  const drainSeconds = Number(env['SHUTDOWN_DELAY_SECONDS']) + Number(env['SHUTDOWN_GRACE_SECONDS']);
  expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThan(drainSeconds);
  expect(template.spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
  expect(pod.securityContext).toMatchObject({ readOnlyRootFilesystem: true, allowPrivilegeEscalation: false });

  const ports = Object.fromEntries(pod.ports.map(({ name, containerPort }) => [name, containerPort]));
  expect(ports).toEqual({ ...(role === 'api' && { http: 4000 }), metrics: Number(env['METRICS_PORT']) });
  for (const { httpGet } of [pod.startupProbe, pod.livenessProbe, pod.readinessProbe]) {
    expect(ports).toHaveProperty(httpGet.port);
    expect(httpGet.path).toMatch(/^\/health\/(live|ready)$/);
  }
  const budget = selectingSchema.parse(find(manifests, 'PodDisruptionBudget', `demo-${role}`));
  for (const each of [selector, budget.spec.selector]) expect(template.metadata.labels).toMatchObject(each.matchLabels);
});

it('the Service and the Ingress lead to the API', () => {
  const manifests = renderChart({ ingress: { enabled: true, host: 'api.example.com' } });
  const { template } = deploymentSchema.parse(find(manifests, 'Deployment', 'demo-api')).spec;
  const { selector, ports } = serviceSchema.parse(find(manifests, 'Service', 'demo-api')).spec;
  expect(template.metadata.labels).toMatchObject(selector);
  const names = template.spec.containers[0].ports.map(({ name }) => name);
  expect(ports.map(({ targetPort }) => targetPort)).toEqual(names);
  expect(find(manifests, 'Ingress', 'demo-api')).toMatchObject({
    spec: {
      tls: [{ hosts: ['api.example.com'] }],
      rules: [
        {
          host: 'api.example.com',
          http: { paths: [{ backend: { service: { name: 'demo-api', port: { name: 'http' } } } }] },
        },
      ],
    },
  });
});

it.each([
  [{ prometheus: 'http://prometheus:9090' }, ['prometheus']],
  [{ jobTypes: ['greeting', 'thumbnail'] }, ['metrics-api', 'metrics-api']],
])('KEDA scales the workers by %j', (own, types) => {
  const manifests = renderChart({ keda: { enabled: true, ...own } });
  expect(deploymentSchema.parse(find(manifests, 'Deployment', 'demo-worker')).spec.replicas).toBeUndefined();
  const { scaleTargetRef, triggers } = scaledSchema.parse(find(manifests, 'ScaledObject', 'demo-worker')).spec;
  expect(scaleTargetRef.name).toBe('demo-worker');
  expect(triggers.map(({ type }) => type)).toEqual(types);
});

it('KEDA without anything to ask is refused', () => {
  expect(() => renderChart({ keda: { enabled: true } })).toThrow(/keda: set prometheus to its address, or jobTypes/);
});
