import { Command, Option } from 'commander';
import {
  imageKinds,
  importCheckpoint,
  type ImageKind,
} from '../checkpoint-import.js';
import { exportCheckpoint } from '../checkpoint-export.js';
import { jsonOption } from '../options.js';

interface ImportFlags {
  readonly network: string;
  readonly output: string;
  readonly images: ImageKind;
  readonly dataset?: string;
  readonly json?: boolean;
}

const importCommand = new Command('import')
  .description('make a model of a PyTorch or safetensors file of weights')
  .argument(
    '<file>',
    'of torch.save (either layout; never executed) or safetensors',
  )
  .requiredOption('--network <name>', 'whose weights they are, e.g. resnet32x4')
  .requiredOption(
    '--output <folder>',
    'of the new model, e.g. runs/models/r32x4',
  )
  .addOption(
    new Option('--images <kind>', 'that it was trained on: size, normalisation')
      .choices(Object.keys(imageKinds))
      .default('cifar'),
  )
  .option('--dataset <name>', 'to judge it on, instead of the usual one')
  .addOption(jsonOption)
  .action(async (path: string, flags: ImportFlags) => {
    const result = await importCheckpoint(path, {
      ...flags,
      dataset: flags.dataset,
    });
    if (flags.json) {
      console.log(JSON.stringify(result));
    } else {
      const { model, network, classCount, parameters } = result;
      console.log(
        `${model}: ${network}, ${classCount} classes, ${parameters} parameters`,
      );
    }
  });

interface ExportFlags {
  readonly foldBatchNorm?: boolean;
  readonly json?: boolean;
}

const exportCommand = new Command('export')
  .description('write a model for other programs')
  .argument('<model>', 'a folder with a model or a checkpoint')
  .argument('<file>', 'a new .onnx (to run) or .safetensors (weights alone)')
  .option(
    '--fold-batch-norm',
    'make batch norms a part of convolutions (.onnx)',
  )
  .addOption(jsonOption)
  .action(async (model: string, file: string, flags: ExportFlags) => {
    const fold = flags.foldBatchNorm ?? false;
    const result = await exportCheckpoint(model, file, fold);
    if (flags.json) {
      console.log(JSON.stringify(result));
    } else {
      const { network, format, bytes } = result;
      console.log(`${file}: ${network} as ${format}, ${bytes} bytes`);
    }
  });

export const checkpointCommand = new Command('checkpoint')
  .description('weights from and for other programs')
  .addCommand(importCommand)
  .addCommand(exportCommand);
