import { describe, expect, it } from 'vitest';
import { runToEnd } from '../cluster.js';
import { makeWorld, tinyExperiment } from '../world.js';
import { playBase } from './pod-cluster.js';
import { whyNoPodman } from './podman.js';

const problem = whyNoPodman();
const named = problem ? `SKIPPED, podman ${problem}: ` : '';

describe.skipIf(problem !== undefined)(
  `${named}the pods of deploy/k8s/base under podman`,
  () => {
    it('run a distillation to its end', { timeout: 300_000 }, async () => {
      await using world = await makeWorld();
      const imageFolders = { tiny: pathOf(world.datasets['tiny']) };
      await using pods = await playBase({ ...world, imageFolders });

      const orchestrator = await pods.addressOf('orchestrator', 50051);
      await until(() => pods.isHealthy('orchestrator'));
      const run = await runToEnd(orchestrator, tinyExperiment(), 'pods-1');

      expect(run.phase).toBe('RUN_PHASE_SUCCEEDED');
      expect(run.result).toMatchObject({ steps: 12, bankVersions: 12 });
      expect(run.result?.checkpoint).toMatch(/^\/runs\/pods-1\//);
      for (const pod of ['teacher', 'memory-bank', 'student']) {
        expect(await pods.isHealthy(pod), pod).toBe(true);
        const metrics = await pods.addressOf(pod, 9464);
        const response = await fetch(`http://${metrics}/metrics`);
        expect(await response.text()).toContain('rpc_server_call_duration');
      }
    });
  },
);

const pathOf = (definition = '') => definition.replace('folder:', '');

/** Asks again every half second, for a minute. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error('not within a minute');
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
