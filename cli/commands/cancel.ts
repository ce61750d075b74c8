import { Command } from 'commander';
import { remoteOption, type RemoteFlags, tlsCaOption } from '../options.js';
import { openOrchestrator, phaseName } from '../orchestrator-client.js';

export const cancelCommand = new Command('cancel')
  .description('ask a run to stop')
  .argument('<run>', 'the id of a run')
  .addOption(remoteOption)
  .addOption(tlsCaOption)
  .action(async (runId: string, flags: RemoteFlags) => {
    const orchestrator = openOrchestrator(flags.orchestrator, flags.tlsCa);
    try {
      const run = await orchestrator.cancel(runId);
      console.log(`${runId}: ${phaseName(run)}`);
    } finally {
      orchestrator.close();
    }
  });
