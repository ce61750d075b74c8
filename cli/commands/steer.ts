import { Command } from 'commander';
import {
  jsonOption,
  remoteOption,
  type RemoteFlags,
  tlsCaOption,
  tlsIdentityOption,
  tlsOf,
} from '../options.js';
import {
  openOrchestrator,
  type OrchestratorClient,
  phaseName,
} from '../orchestrator-client.js';

/** The commands that ask something of a run that goes on elsewhere. */
export const steerCommands = [
  steerCommand('cancel', 'ask a run to stop'),
  steerCommand('pause', 'ask a run to write a checkpoint and wait'),
  steerCommand('resume', 'have a paused or failed run go on'),
];

function steerCommand(
  name: 'cancel' | 'pause' | 'resume',
  description: string,
): Command {
  const ask = (orchestrator: OrchestratorClient, runId: string) =>
    orchestrator[name](runId);
  return new Command(name)
    .description(description)
    .argument('<run>', 'the id of a run')
    .addOption(remoteOption)
    .addOption(tlsCaOption)
    .addOption(tlsIdentityOption)
    .addOption(jsonOption)
    .action(async (runId: string, flags: RemoteFlags & { json?: boolean }) => {
      const orchestrator = openOrchestrator(flags.orchestrator, tlsOf(flags));
      try {
        const run = await ask(orchestrator, runId);
        const text = `${runId}: ${phaseName(run)}`;
        console.log(flags.json ? JSON.stringify(run) : text);
      } finally {
        orchestrator.close();
      }
    });
}
