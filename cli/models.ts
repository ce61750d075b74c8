import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { modelManifestSchema } from '#runtime/checkpoint/manifest.js';
import { readCheckpoint, writeCheckpoint } from '#runtime/checkpoint/index.js';
import { InvalidRequestError } from '#runtime/errors.js';

/**
 * Puts the network of a run's checkpoint into the teacher's model folder,
 * without what only training needs. The model appears whole or not at all.
 * @returns the model's folder
 * @throws InvalidRequestError if the name is taken or not fit for a folder
 */
export async function installModel(
  checkpointDir: string,
  modelsDir: string,
  model: string,
): Promise<string> {
  if (!/^[a-z0-9][a-z0-9._+-]{0,63}$/i.test(model)) {
    throw badName(model, 'letters, digits, dots and dashes');
  }
  const folder = join(modelsDir, model);
  if (existsSync(folder)) throw badName(model, 'a name that is not taken');
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
