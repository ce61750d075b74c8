import { join, resolve } from 'node:path';
import cliProgress from 'cli-progress';
import { Argument, Command } from 'commander';
import { archives, type ArchiveName } from '#runtime/data/get/archives.js';
import { getDataset } from '#runtime/data/get/get.js';
import { DownloadError } from '#runtime/errors.js';
import { catchInterruption } from '../interruption.js';

interface GetFlags {
  readonly to: string;
  readonly url?: string;
}

const names = Object.keys(archives) as ArchiveName[];

const getCommand = new Command('get')
  .description('download, check and unpack a data set from its authors')
  .addArgument(new Argument('<name>').choices([...names, 'imagenet']))
  .option('--to <dir>', 'folder that data sets are put in', 'data')
  .option('--url <url>', 'a mirror of the very same archive')
  .action(async (name: ArchiveName | 'imagenet', flags: GetFlags) => {
    if (name === 'imagenet') {
      console.log(imagenetHelp);
      process.exitCode = 1;
      return;
    }
    const archive = { ...archives[name], url: flags.url ?? archives[name].url };
    using interruption = catchInterruption();
    const { signal } = interruption;
    const progress = showProgress(archive.bytes);
    try {
      const folder = await getDataset(archive, flags.to, {
        signal,
        onBytes: progress.update,
      });
      console.log(`--data ${name}=${name}:${resolve(folder)}`);
    } catch (error) {
      if (error instanceof DownloadError) {
        console.error(offlineHelp(archive.url, flags.to));
      }
      throw error;
    } finally {
      progress.stop();
    }
  });

export const dataCommand = new Command('data')
  .description('data sets')
  .addCommand(getCommand);

function showProgress(bytes: number) {
  const stream = process.stderr;
  if (!stream.isTTY) return { update: () => {}, stop: () => {} };
  const toMiB = (count: number) => Math.round(count / 2 ** 20);
  const format = 'download {bar} {value}/{total} MiB';
  const bar = new cliProgress.SingleBar({ stream, format });
  bar.start(toMiB(bytes), 0);
  return {
    update: (count: number) => bar.update(toMiB(count)),
    stop: () => bar.stop(),
  };
}

function offlineHelp(url: string, folder: string): string {
  const file = join(folder, url.split('/').at(-1)!);
  return [
    'The archive cannot be downloaded from here. Either',
    `  - fetch ${url} on a machine that can, and put it at ${file},`,
    '  - or name a mirror with --url,',
    'then run the same command again: the file is checked and unpacked.',
  ].join('\n');
}

const imagenetHelp = `ImageNet is given out to people who agree to its terms, so rrd cannot fetch it:
  1. sign in at https://image-net.org/download-images.php and download
     ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar (or the archive of the
     Kaggle challenge imagenet-object-localization-challenge);
  2. unpack them to DIR/train/<synset>/*.JPEG and DIR/val/..., see docs/data.md;
  3. use it with --data imagenet=imagenet:DIR`;
