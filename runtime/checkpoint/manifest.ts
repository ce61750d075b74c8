import { z } from 'zod';

/** Raised when a reader of the older format would misread the newer one. */
export const formatVersion = 1;

const fileSchema = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.number().int().nonnegative(),
});

/** What every manifest.json has; each kind adds its own fields. */
export const manifestSchema = z.looseObject({
  kind: z.string().min(1),
  formatVersion: z.literal(formatVersion),
  files: z.record(z.string(), fileSchema),
});

export type Manifest = z.infer<typeof manifestSchema>;

const count = z.number().int().positive();

/** A trained network that a teacher can serve and `eval` can judge. */
export const modelManifestSchema = manifestSchema.extend({
  kind: z.literal('model'),
  network: z.string().min(1),
  classCount: count,
  /** [height, width, channels] */
  imageShape: z.tuple([count, count, count]),
  /** What pixel values are scaled with after division by 255. */
  normalization: z.object({
    mean: z.array(z.number()),
    std: z.array(z.number().positive()),
  }),
  /** The name of the data set that it was trained on. */
  dataset: z.string(),
});

export type ModelManifest = z.infer<typeof modelManifestSchema>;
