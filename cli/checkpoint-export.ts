import { writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { encodeSafetensors } from '#runtime/checkpoint/safetensors.js';
import { exportOnnx } from '#runtime/compute/onnx/export.js';
import { opset } from '#runtime/compute/onnx/model.js';
import { InvalidRequestError } from '#runtime/errors.js';
import { readNetwork, type TrainedNetwork } from './trained-network.js';

export interface ExportResult {
  readonly file: string;
  /** What was written, with its version. */
  readonly format: string;
  readonly network: string;
  readonly bytes: number;
}

/**
 * Writes a model's weights, or its computation, for other programs; the name's
 * ending says which.
 * @throws InvalidRequestError for another ending, or to fold a file of weights
 * @throws CorruptFileError if `model` is no whole model
 */
export async function exportCheckpoint(
  model: string,
  file: string,
  foldBatchNorm: boolean,
): Promise<ExportResult> {
  const format = formatOf(file, foldBatchNorm);
  const trained = await readNetwork(model);
  const bytes =
    format === 'safetensors'
      ? encodeSafetensors(trained.tensors, factsOf(trained))
      : onnxOf(trained, foldBatchNorm);
  await writeFile(file, bytes, { flag: 'wx' }).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw refused('file', file, 'a file that does not exist');
  });
  const network = trained.network.name;
  return { file, format, network, bytes: bytes.length };
}

function formatOf(file: string, foldBatchNorm: boolean): string {
  switch (extname(file)) {
    case '.onnx':
      return `onnx, opset ${opset}`;
    case '.safetensors':
      if (foldBatchNorm)
        throw refused('file', file, 'a name that ends in .onnx');
      return 'safetensors';
    default:
      throw refused('file', file, 'a name that ends in .onnx or .safetensors');
  }
}

function onnxOf(trained: TrainedNetwork, foldBatchNorm: boolean): Uint8Array {
  const { network, tensors, manifest } = trained;
  const { imageShape } = manifest;
  const options = { imageShape, foldBatchNorm };
  return exportOnnx(network, tensors, options, factsOf(trained));
}

/** What a user of the file needs to feed it, as text. */
function factsOf({ manifest }: TrainedNetwork): Record<string, string> {
  const { network, dataset, classCount, normalization, imageShape } = manifest;
  return {
    ...{ format: 'pt', network, dataset, classCount: String(classCount) },
    imageShape: imageShape.join('x'),
    mean: normalization.mean.join(','),
    std: normalization.std.join(','),
  };
}

function refused(field: string, value: string, expected: string) {
  return new InvalidRequestError({ field, value, expected });
}
