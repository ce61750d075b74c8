import { Command } from 'commander';
import { followRun } from '../follow.js';
import { catchInterruption } from '../interruption.js';
import {
  jsonOption,
  remoteOption,
  type RemoteFlags,
  tlsCaOption,
  tlsIdentityOption,
  tlsOf,
} from '../options.js';
import { openOrchestrator, type Run } from '../orchestrator-client.js';
import { createProgress } from '../progress.js';
import { resultText } from '../result.js';

export const watchCommand = new Command('watch')
  .description('follow a run to its end')
  .argument('<run>', 'the id of a run')
  .addOption(remoteOption)
  .addOption(tlsCaOption)
  .addOption(tlsIdentityOption)
  .addOption(jsonOption)
  .action(async (runId: string, flags: RemoteFlags & { json?: boolean }) => {
    using interruption = catchInterruption();
    const { signal } = interruption;
    const orchestrator = openOrchestrator(flags.orchestrator, tlsOf(flags));
    const progress = createProgress(process.stderr);
    try {
      const show = (change: Run) => {
        // For a script: every record as it comes, one a line.
        if (flags.json) console.log(JSON.stringify(change));
        else progress.update(runId, change);
      };
      const run = await followRun(orchestrator, runId, show, signal);
      progress.done(runId);
      if (!flags.json) console.log(resultText(run));
    } catch (error) {
      if (error !== signal.reason) throw error;
      console.error(`rrd: ${runId} goes on`);
      process.exitCode = 1;
    } finally {
      progress.done(runId);
      orchestrator.close();
    }
  });
