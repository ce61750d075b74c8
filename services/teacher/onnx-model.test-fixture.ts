import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { maxBatchSize, normalization, shape } from './service.test-fixture.js';
import { OnnxExtractor } from './onnx-extractor.js';

/** Definitions and folders of ONNX models. */

export const input = { shape: [...shape], ...normalization };
export const definition = { network: 'any', file: 'model.onnx', images: input };

let names = 0;

/** The name of its folder in `root`. */
export async function writeOnnxModel(
  root: string,
  model: object,
  bytes: Uint8Array | undefined,
): Promise<string> {
  const name = `${names++}`;
  const folder = join(root, name);
  await mkdir(folder);
  await writeFile(join(folder, 'model.yaml'), stringify(model));
  if (bytes) await writeFile(join(folder, 'model.onnx'), bytes);
  return name;
}

export async function loadOnnxModel(
  root: string,
  model: object,
  bytes: Uint8Array | undefined,
): Promise<OnnxExtractor> {
  const folder = join(root, await writeOnnxModel(root, model, bytes));
  return OnnxExtractor.load(folder, maxBatchSize);
}
