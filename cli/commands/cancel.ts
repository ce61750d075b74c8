import { Command } from 'commander';
import { openOrchestrator, phaseName } from '../orchestrator-client.js';

export const cancelCommand = new Command('cancel')
  .description('ask a run to stop')
  .argument('<run>', 'the id of a run')
  .requiredOption('--orchestrator <host:port>', 'a running orchestrator')
  .action(async (runId: string, flags: { orchestrator: string }) => {
    const orchestrator = openOrchestrator(flags.orchestrator);
    try {
      const run = await orchestrator.cancel(runId);
      console.log(`${runId}: ${phaseName(run)}`);
    } finally {
      orchestrator.close();
    }
  });
