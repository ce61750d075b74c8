import { Command } from 'commander';
import { diagnose } from '../diagnosis.js';
import { jsonOption } from '../options.js';

export const doctorCommand = new Command('doctor')
  .description('what is installed here, what is missing and how to get it')
  .addOption(jsonOption)
  .action(async (flags: { json?: boolean }) => {
    const findings = await diagnose();
    if (flags.json) {
      console.log(JSON.stringify(findings, null, 2));
      return;
    }
    for (const { name, found, missing } of findings) {
      const text = found ?? `missing: ${missing}`;
      console.log(`${found ? 'ok ' : '-- '} ${name.padEnd(18)} ${text}`);
    }
  });
