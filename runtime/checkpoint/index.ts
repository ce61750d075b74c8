export * from './manifest.js';
export { decodeSafetensors, encodeSafetensors } from './safetensors.js';
export { locationIn } from './places/location.js';
export { importWeights, type ImportedNetwork } from './import-weights.js';
export { keepNewest, listSteps, stepLocation } from './steps.js';
export {
  readCheckpoint,
  readManifest,
  writeCheckpoint,
  type Checkpoint,
  type ManifestFields,
} from './store.js';
