import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CorruptFileError } from './errors.js';
import { readYaml } from './yaml-file.js';

/** The file that makes a folder an ONNX model. */
export const onnxModelName = 'model.yaml';

const count = z.number().int().positive().max(65_536);
const name = z.string().min(1);
const names = z.array(name).max(64);
const layout = z.enum(['NCHW', 'NHWC']);

/** What an ONNX file does not say of itself, or not in our words. */
export const onnxModelSchema = z.strictObject({
  /** For people: what it is. */
  network: name,
  /** In the same folder. */
  file: z.string().regex(/^[\w.+-]+\.onnx$/, 'the name of an .onnx file'),
  /** Of ONNX Runtime, in the order of preference. */
  executionProviders: z
    .array(z.enum(['cpu', 'cuda', 'tensorrt', 'webgpu']))
    .min(1)
    .default(['cpu']),
  images: z
    .strictObject({
      /** The input's name; it must take any batch size. */
      input: name.default('images'),
      layout: layout.default('NCHW'),
      /** Height, width, channels. */
      shape: z.tuple([count, count, count]),
      /** Of pixels in 0 ... 1, for each channel. */
      mean: z.array(z.number()),
      std: z.array(z.number().positive()),
    })
    .superRefine(({ shape: [, , channels], ...images }, context) => {
      for (const field of ['mean', 'std'] as const) {
        if (images[field].length === channels) continue;
        const message = `${channels} numbers, one for each channel`;
        context.addIssue({ code: 'custom', path: [field], message });
      }
    }),
  /** Names of outputs. */
  outputs: z
    .strictObject({
      /** float32 [batch, n]. */
      features: name.default('features'),
      logits: name.default('logits'),
      /** Activations behind the stages, the stem's first: float32, rank 4. */
      maps: names.default([]),
      /** In front of the ReLU: none, or one of the same shape for each map. */
      preactivations: names.default([]),
      /** Of the maps; that of the images if left out. */
      layout: layout.optional(),
    })
    .superRefine(({ maps, preactivations }, context) => {
      const given = preactivations.length;
      if (given === 0 || given === maps.length) return;
      const message = `${maps.length} names, one for each map, or none`;
      const path = ['preactivations'];
      context.addIssue({ code: 'custom', path, message });
    })
    .prefault({}),
});

export type OnnxModel = Readonly<z.output<typeof onnxModelSchema>>;

/**
 * Reads the definition and the bytes of the model in `folder`.
 * @throws ConfigInvalidError for a definition that is wrong
 * @throws CorruptFileError if the file that it names cannot be read
 */
export async function readOnnxModel(
  folder: string,
): Promise<{ readonly model: OnnxModel; readonly bytes: Uint8Array }> {
  const form = { what: 'model', schema: onnxModelSchema };
  const model = readYaml(join(folder, onnxModelName), form);
  const path = join(folder, model.file);
  const bytes = await readFile(path).catch((cause: unknown) => {
    const problem = 'it cannot be read';
    throw new CorruptFileError({ path, problem }, { cause });
  });
  return { model, bytes };
}
