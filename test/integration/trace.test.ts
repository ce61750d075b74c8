import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { packageRoot } from '#runtime/paths.js';
import { runToEnd } from '../cluster.js';
import { natsMissing, startNatsServer, type NatsServer } from '../nats.js';
import {
  attribute,
  drawTree,
  startOtlpReceiver,
  type OtlpReceiver,
  type Span,
} from '../otlp-receiver.js';
import { ProcessCluster, type Role } from '../processes.js';
import {
  freePort,
  metricsProblems,
  prometheusMissing,
  startPrometheus,
} from '../prometheus.js';
import { makeWorld, tinyExperiment, type World } from '../world.js';

const roles = ['teacher', 'memory-bank', 'student', 'orchestrator'] as const;
const telemetry = pathToFileURL(join(packageRoot, 'dist/runtime/telemetry.js'));
const steps = 12;

const noNats = natsMissing();
const noPrometheus = prometheusMissing();
const skipped = (why: string | undefined) => (why ? `SKIPPED, ${why}: ` : '');

describe.skipIf(noNats)(`${skipped(noNats)}telemetry of a run`, () => {
  let receiver: OtlpReceiver;
  let nats: NatsServer;
  let world: World;
  let cluster: ProcessCluster;
  const ports = new Map<Role, number>();

  beforeAll(async () => {
    receiver = await startOtlpReceiver();
    nats = await startNatsServer();
    world = await makeWorld();
    for (const role of roles) ports.set(role, await freePort());
    const environment = (role: Role) => ({
      NODE_OPTIONS: `--import ${telemetry.href}`,
      OTEL_SERVICE_NAME: role,
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: 100,
      OTEL_EXPORTER_PROMETHEUS_PORT: ports.get(role)!,
    });
    cluster = await ProcessCluster.start(world, nats, {}, environment);
    await runToEnd(cluster.orchestratorAddress, tinyExperiment(), 'traced');
  }, 120_000);

  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
    await nats.close();
    await world[Symbol.asyncDispose]();
    await receiver[Symbol.asyncDispose]();
  });

  /** The trace of a step, whole: its services export on their own time. */
  function traceOf(step: number): Promise<Span[]> {
    return vi.waitFor(
      () => {
        const root = receiver.spans.find(
          ({ name, attributes }) =>
            name === 'rrd.student.step' &&
            Number(attribute(attributes, 'rrd.step')?.intValue) === step,
        );
        const trace = receiver.spans.filter(
          ({ traceId }) => traceId === root?.traceId,
        );
        expect(trace).toHaveLength(7);
        return trace;
      },
      { timeout: 20_000, interval: 200 },
    );
  }

  it('has one trace a step, through student, teacher and bank', async () => {
    const trace = await traceOf(6);
    const find = (service: string, name: string, kind = 1) =>
      trace.find(
        (span) =>
          span.service === service &&
          span.name.endsWith(name) &&
          span.kind === kind,
      );
    const root = find('student', 'rrd.student.step')!;
    console.log(drawTree(trace, root));

    const extract = find('student', 'TeacherService/Extract', 3);
    expect(extract?.parentSpanId).toBe(root.spanId);
    const computed = find('teacher', 'TeacherService/Extract', 2);
    expect(computed?.parentSpanId).toBe(extract?.spanId);

    const enqueue = find('student', 'MemoryBankService/Enqueue', 3);
    expect(enqueue?.parentSpanId).toBe(root.spanId);
    const commit = find('memory-bank', 'MemoryBankService/Enqueue', 2);
    expect(commit?.parentSpanId).toBe(enqueue?.spanId);

    // The delta carried the context of its commit over the open stream.
    const wait = find('student', 'rrd.student.mirror_wait');
    expect(wait?.parentSpanId).toBe(root.spanId);
    expect(wait?.links?.map(({ spanId }) => spanId)).toEqual([commit?.spanId]);
    expect(find('student', 'rrd.student.compute')).toBeDefined();
  });

  it.skipIf(noPrometheus)(
    `${skipped(noPrometheus)}has metrics that a real Prometheus scrapes`,
    { timeout: 60_000 },
    async () => {
      await using prometheus = await startPrometheus([...ports.values()]);
      await vi.waitFor(
        async () => expect(await prometheus.query('up')).toEqual([1, 1, 1, 1]),
        { timeout: 30_000, interval: 500 },
      );
      const commits = await prometheus.query('rrd_bank_commits_total');
      expect(commits).toEqual([steps]);
      const taken = await prometheus.query('rrd_student_step_duration_count');
      expect(taken).toEqual([steps]);
    },
  );

  it.skipIf(noPrometheus)(
    `${skipped(noPrometheus)}has metrics that promtool finds nothing wrong with`,
    async () => {
      for (const [role, port] of ports) {
        const response = await fetch(`http://127.0.0.1:${port}/metrics`);
        const text = await response.text();
        expect(`${role}: ${metricsProblems(text)}`).toBe(`${role}: `);
        // Arguments, owner and host of a process are nobody's business.
        expect(text).not.toMatch(/process_|host_/);
      }
    },
  );
});
