import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { modelManifestSchema } from '#runtime/checkpoint/manifest.js';
import { readCheckpoint, writeCheckpoint } from '#runtime/checkpoint/index.js';
import { InvalidRequestError } from '#runtime/errors.js';

/**
 * Checks a name before hours of training, not behind them.
 * @throws InvalidRequestError if it is taken or not fit for a folder
 */
export function checkModelName(modelsDir: string, model: string): void {
  if (!/^[a-z0-9][a-z0-9._+-]{0,63}$/i.test(model)) {
    throw badName(model, 'letters, digits, dots and dashes');
  }
  if (existsSync(join(modelsDir, model))) {
    throw badName(model, 'a name that is not taken');
  }
}

/**
 * Puts the network of a run's checkpoint into the teacher's model folder,
 * without what only training needs. The model appears whole or not at all.
 * @returns the model's folder
 * @throws InvalidRequestError; see `checkModelName`
 */
export async function installModel(
  checkpointDir: string,
  modelsDir: string,
  model: string,
): Promise<string> {
  checkModelName(modelsDir, model);
  const folder = join(modelsDir, model);
  const { tensors, manifest } = await readCheckpoint(
    checkpointDir,
    modelManifestSchema,
  );
  await writeCheckpoint(folder, { tensors, manifest });
  return folder;
}

function badName(value: string, expected: string): InvalidRequestError {
  return new InvalidRequestError({ field: 'model', value, expected });
}
