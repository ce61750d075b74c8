import { Command } from 'commander';
import {
  jsonOption,
  remoteOption,
  type RemoteFlags,
  tlsCaOption,
} from '../options.js';
import { openOrchestrator, phaseName } from '../orchestrator-client.js';

export const cancelCommand = new Command('cancel')
  .description('ask a run to stop')
  .argument('<run>', 'the id of a run')
  .addOption(remoteOption)
  .addOption(tlsCaOption)
  .addOption(jsonOption)
  .action(async (runId: string, flags: RemoteFlags & { json?: boolean }) => {
    const orchestrator = openOrchestrator(flags.orchestrator, flags.tlsCa);
    try {
      const run = await orchestrator.cancel(runId);
      const text = `${runId}: ${phaseName(run)}`;
      console.log(flags.json ? JSON.stringify(run) : text);
    } finally {
      orchestrator.close();
    }
  });
