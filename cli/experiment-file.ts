import { type Experiment, experimentSchema } from '#distill/experiment.js';
import { type Overrides, readYaml } from '#runtime/yaml-file.js';

/** Reads an experiment; see `readYaml`. */
export function readExperiment(
  path: string,
  overrides: Overrides = {},
): Experiment {
  const form = { what: 'experiment', schema: experimentSchema };
  return readYaml(path, form, overrides);
}
