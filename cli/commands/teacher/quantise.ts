import { Command, InvalidArgumentError } from 'commander';
import { dataOption, jsonOption } from '../../options.js';
import { quantiseTeacher } from '../../quantise-teacher.js';

interface Flags {
  readonly data: Readonly<Record<string, string>>;
  readonly dataset?: string;
  readonly images: number;
  readonly featureCosine: number;
  readonly json?: boolean;
}

export const quantiseCommand = new Command('quantise')
  .description('make an int8 model (ONNX) of a float32 one, to teach faster')
  .argument('<model>', 'a folder with a model or a checkpoint')
  .argument('<output>', 'folder of the new model, e.g. runs/models/r32x4-int8')
  .option('--dataset <name>', 'instead of the one it was trained on')
  .option('--images <n>', 'training images to calibrate on', count, 512)
  .option(
    '--feature-cosine <x>',
    'the least that is accepted; costly layers stay float32 to reach it',
    cosine,
    0.999,
  )
  .addOption(dataOption)
  .addOption(jsonOption)
  .action(async (model: string, output: string, flags: Flags) => {
    const { data: datasets, dataset, images, featureCosine } = flags;
    const result = await quantiseTeacher(model, output, {
      ...{ datasets, dataset, images, featureCosine },
    });
    if (flags.json) {
      console.log(JSON.stringify(result));
      return;
    }
    const { network, layers, kept, bytes, judgedOn, logitsKl } = result;
    console.log(
      `${output}: ${network}, ${layers - kept.length} of ${layers} layers in int8, ${bytes} bytes`,
    );
    console.log(
      `of ${judgedOn} test images: feature cosine at least ${result.featureCosine.toFixed(5)}, logits KL ${logitsKl.toExponential(1)}`,
    );
  });

function count(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0 && value <= 100_000) return value;
  throw new InvalidArgumentError('expected a whole number, 1 to 100000');
}

function cosine(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1) return value;
  throw new InvalidArgumentError('expected a number above 0 and up to 1');
}
