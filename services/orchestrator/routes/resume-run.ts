import type { Context, Routes } from '../context.js';
import { toWireRun } from '../wire.js';

/** See OrchestratorService.ResumeRun. */
export const resumeRun =
  ({ scheduler, store }: Context): Routes['resumeRun'] =>
  async ({ runId }) => ({
    run: toWireRun(await scheduler.request(runId, 'resume'), store),
  });
