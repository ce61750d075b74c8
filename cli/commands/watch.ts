import { Command } from 'commander';
import { followRun } from '../follow.js';
import {
  jsonOption,
  remoteOption,
  type RemoteFlags,
  tlsCaOption,
} from '../options.js';
import { openOrchestrator } from '../orchestrator-client.js';
import { createProgress } from '../progress.js';
import { resultText } from '../result.js';

export const watchCommand = new Command('watch')
  .description('follow a run to its end')
  .argument('<run>', 'the id of a run')
  .addOption(remoteOption)
  .addOption(tlsCaOption)
  .addOption(jsonOption)
  .action(async (runId: string, flags: RemoteFlags & { json?: boolean }) => {
    const orchestrator = openOrchestrator(flags.orchestrator, flags.tlsCa);
    const progress = createProgress(process.stderr);
    try {
      const run = await followRun(orchestrator, runId, (change) => {
        // For a script: every record as it comes, one a line.
        if (flags.json) console.log(JSON.stringify(change));
        else progress.update(runId, change);
      });
      progress.done(runId);
      if (!flags.json) console.log(resultText(run));
    } finally {
      progress.done(runId);
      orchestrator.close();
    }
  });
