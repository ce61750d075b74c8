import { Command } from 'commander';
import { readExperiment } from '../../experiment-file.js';
import { catchInterruption } from '../../interruption.js';
import {
  dataOption,
  epochsOption,
  jsonOption,
  teacherOption,
  tlsCaOption,
  tlsIdentityOption,
  tlsOf,
  type TeacherFlags,
} from '../../options.js';
import { precompute, type PrecomputeProgress } from '../../precompute.js';
import { duration } from '../../text.js';

interface Flags extends TeacherFlags {
  readonly data: Readonly<Record<string, string>>;
  readonly epochs?: number;
  readonly json?: boolean;
}

/** Between two lines of progress. */
const everySeconds = 5;

export const precomputeCommand = new Command('precompute')
  .description("fill a teacher's cache with what a run is going to ask for")
  .argument('<experiment>', 'a YAML file, see configs/')
  .addOption(teacherOption())
  .addOption(epochsOption)
  .addOption(tlsCaOption)
  .addOption(tlsIdentityOption)
  .addOption(dataOption)
  .addOption(jsonOption)
  .action(async (path: string, flags: Flags) => {
    const { teacher, data: datasets, epochs } = flags;
    const experiment = readExperiment(path, { 'training.epochs': epochs });
    using interruption = catchInterruption();
    let saidSeconds = 0;
    const done = await precompute(experiment, {
      ...{ teacher, tls: tlsOf(flags), datasets },
      signal: interruption.signal,
      onBatch(progress) {
        if (progress.seconds - saidSeconds < everySeconds) return;
        saidSeconds = progress.seconds;
        console.error(textOf(progress));
      },
    });
    console.log(flags.json ? JSON.stringify(done) : textOf(done));
  });

function textOf({ images, totalImages, seconds }: PrecomputeProgress): string {
  const rate = Math.round(images / seconds);
  return `${images} of ${totalImages} images in ${duration(seconds)}, ${rate} img/s`;
}
