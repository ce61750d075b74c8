import { describe, expect, it } from 'vitest';
import { runToEnd } from '../cluster.js';
import { makeWorld, tinyExperiment } from '../world.js';
import { playBase, type PodCluster } from './pod-cluster.js';
import { whyNoPodman } from './podman.js';

const problem = whyNoPodman();
const named = problem ? `SKIPPED, podman ${problem}: ` : '';

describe.skipIf(problem !== undefined)(
  `${named}the pods of deploy/k8s/base under podman`,
  () => {
    it('run a distillation to its end', { timeout: 420_000 }, async () => {
      await using world = await makeWorld();
      const imageFolders = { tiny: pathOf(world.datasets['tiny']) };
      await using pods = await playBase({ ...world, imageFolders });

      const orchestrator = await pods.addressOf('orchestrator', 50051);
      await untilHealthy(pods, 'orchestrator');
      const run = await runToEnd(orchestrator, tinyExperiment(), 'pods-1');

      expect(run.phase).toBe('RUN_PHASE_SUCCEEDED');
      expect(run.result).toMatchObject({ steps: 12, bankVersions: 12 });
      expect(run.result?.checkpoint).toMatch(/^\/runs\/pods-1\//);
      // The student is a Job, and its run is over.
      expect(await pods.exitCodeOf('student')).toBe(0);
      for (const [pod, sample] of Object.entries(samples)) {
        expect(await pods.isHealthy(pod), pod).toBe(true);
        const metrics = await pods.addressOf(pod, 9464);
        const response = await fetch(`http://${metrics}/metrics`);
        expect(await response.text()).toMatch(sample);
      }
    });
  },
);

/** What the metrics of a pod must say after 12 steps. */
const samples = {
  teacher: /^rrd_teacher_images_total{.*} \d+$/m,
  'memory-bank': /^rrd_bank_commits_total{.*} 12$/m,
  orchestrator: /^rrd_orchestrator_runs_ended_total{.*succeeded.*} 1$/m,
};

const pathOf = (definition = '') => definition.replace('folder:', '');

/** Asks again every half second, long enough for a busy machine. */
async function untilHealthy(pods: PodCluster, pod: string): Promise<void> {
  const deadlineMs = performance.now() + 150_000;
  while (!(await pods.isHealthy(pod))) {
    if (performance.now() > deadlineMs) {
      throw new Error(`${pod} is not healthy:\n${await pods.logs(pod)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
