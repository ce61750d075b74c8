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
  phaseName,
  waitingText,
  type Run,
} from '../orchestrator-client.js';
import { percent, table } from '../text.js';

export const listCommand = new Command('list')
  .description('all runs of an orchestrator, newest first')
  .addOption(remoteOption)
  .addOption(tlsCaOption)
  .addOption(tlsIdentityOption)
  .addOption(jsonOption)
  .action(async (flags: RemoteFlags & { json?: boolean }) => {
    const orchestrator = openOrchestrator(flags.orchestrator, tlsOf(flags));
    try {
      const runs = await orchestrator.list();
      console.log(flags.json ? JSON.stringify(runs) : runTable(runs));
    } finally {
      orchestrator.close();
    }
  });

function runTable(runs: readonly Run[]): string {
  const header = [
    'run',
    'phase',
    'waiting',
    'worker',
    'step',
    'loss',
    'accuracy',
  ];
  const rows = runs.map((run) => {
    const { progress } = run;
    const accuracy = run.result?.testAccuracy ?? progress?.testAccuracy;
    return [
      run.runId,
      phaseName(run),
      waitingText(run) || '-',
      run.worker || '-',
      progress ? `${progress.step}/${progress.totalSteps}` : '-',
      progress ? progress.loss.toFixed(4) : '-',
      accuracy === undefined ? '-' : percent(accuracy),
    ];
  });
  return table(header, rows);
}
