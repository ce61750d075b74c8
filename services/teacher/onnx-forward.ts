import { channelsFirst, channelsLast } from '#distill/data/channels.js';
import { partsOf } from '#distill/map-names.js';
import type { MapName, MapShape } from '#distill/methods/method.js';
import type { HostTensor } from '#distill/tensors.js';
import type {
  OnnxRuntime,
  OrtTensor,
  Session,
} from '#runtime/compute/onnx/onnxruntime.js';
import { CorruptFileError } from '#runtime/errors.js';
import type { OnnxModel } from '#runtime/onnx-model.js';
import type { Extracted } from './extractor.js';
import type { Forward } from './sized-programs.js';

/** An ONNX file as its definition says that it is to be used. */
export interface OpenModel {
  readonly runtime: OnnxRuntime;
  readonly session: Session;
  readonly model: OnnxModel;
  /** Of the file, for errors. */
  readonly path: string;
}

/**
 * Of a definition's names each that the file does not have is an error.
 * @throws CorruptFileError that says which field has the name
 */
export function checkNames({ session, model, path }: OpenModel): void {
  const { inputNames, outputNames } = session;
  const { features, logits, maps, preactivations } = model.outputs;
  const check = (field: string, name: string, known: readonly string[]) => {
    if (known.includes(name)) return;
    const problem = `${field} is ${name}, it has ${known.join(', ')}`;
    throw new CorruptFileError({ path, problem });
  };
  check('images.input', model.images.input, inputNames);
  check('outputs.features', features, outputNames);
  check('outputs.logits', logits, outputNames);
  for (const [i, name] of maps.entries())
    check(`outputs.maps.${i}`, name, outputNames);
  for (const [i, name] of preactivations.entries())
    check(`outputs.preactivations.${i}`, name, outputNames);
}

/**
 * A forward for any batch size.
 * @param maps that it gives too; the definition must name them
 */
export function forwardOf(
  open: OpenModel,
  maps: ReadonlySet<MapName>,
): Forward {
  const { session, model, path } = open;
  const { features, logits } = model.outputs;
  const rows = { features, logits };
  const outputOf = (map: MapName) => {
    const { kind, index } = partsOf(map);
    return model.outputs[kind][index]!;
  };
  const names = [...Object.values(rows), ...[...maps].map(outputOf)];
  const fetches = Object.fromEntries(names.map((name) => [name, null]));
  return {
    async run(images) {
      const count = images.shape[0]!;
      const results = await session
        .run({ [model.images.input]: feedOf(open, images) }, fetches)
        .catch((cause: unknown) => {
          const problem = `it does not run: ${String(cause)}`;
          throw new CorruptFileError({ path, problem }, { cause });
        });
      const row = (field: 'features' | 'logits') =>
        checked(results[rows[field]]!, [count, 'n'], field, path);
      const map = (name: MapName) =>
        mapOf(results[outputOf(name)]!, count, name, open);
      const extracted: Extracted = {
        ...{ features: row('features'), logits: row('logits') },
        ...Object.fromEntries([...maps].map((name) => [name, map(name)])),
      };
      return extracted;
    },
    // The session is that of all sizes; it lives as long as its thread.
    dispose: () => undefined,
  };
}

/**
 * The shapes of all maps that the definition names, as the file gives them.
 * @throws CorruptFileError for an output that is no map, and for maps in front
 *   of a ReLU of another shape than behind it
 */
export async function mapShapesOf(
  open: OpenModel,
  images: HostTensor,
): Promise<readonly MapShape[]> {
  const { maps, preactivations } = open.model.outputs;
  if (maps.length === 0) return [];
  const behind = maps.map((_, i): MapName => `maps.${i}`);
  const before = preactivations.map((_, i): MapName => `preactivations.${i}`);
  const forward = forwardOf(open, new Set([...behind, ...before]));
  const extracted = await forward.run(images);
  const shapeOf = (name: MapName) => extracted[name]!.shape.slice(1);
  const shapes = behind.map(shapeOf);
  for (const [i, name] of before.entries()) {
    const [own, expected] = [shapeOf(name), shapes[i]!];
    if (own.join() === expected.join()) continue;
    const problem = `outputs.${name} is ${own.join(' x ')}, outputs.maps.${i} ${expected.join(' x ')}`;
    throw new CorruptFileError({ path: open.path, problem });
  }
  return shapes as unknown as readonly MapShape[];
}

function feedOf(
  { runtime, model }: OpenModel,
  { shape, data }: HostTensor,
): OrtTensor {
  const { layout, shape: imageShape } = model.images;
  if (layout === 'NHWC') return new runtime.Tensor('float32', data, shape);
  const [height, width, channels] = imageShape;
  const moved = channelsFirst(data as Float32Array, imageShape);
  const dims = [shape[0]!, channels, height, width];
  return new runtime.Tensor('float32', moved, dims);
}

/** A map as [N, h, w, c]. */
function mapOf(
  tensor: OrtTensor,
  count: number,
  name: MapName,
  { model, path }: OpenModel,
): HostTensor {
  const { layout = model.images.layout } = model.outputs;
  if (layout === 'NHWC')
    return checked(tensor, [count, 'h', 'w', 'c'], name, path);
  const found = checked(tensor, [count, 'c', 'h', 'w'], name, path);
  const [, c, h, w] = found.shape as [number, number, number, number];
  const data = channelsLast(found.data, [h, w, c]);
  return { shape: [count, h, w, c], data };
}

/** @param expected dimensions; those with a name may have any size */
function checked(
  { dims: shape, data }: OrtTensor,
  expected: readonly (number | string)[],
  field: string,
  path: string,
): HostTensor & { readonly data: Float32Array } {
  const fits =
    shape.length === expected.length &&
    expected.every((size, i) => typeof size === 'string' || size === shape[i]);
  if (fits && data instanceof Float32Array) return { shape, data };
  const type = data instanceof Float32Array ? 'float32' : 'of another type';
  const problem = `outputs.${field} is ${type} [${shape.join()}], expected float32 [${expected.join()}]`;
  throw new CorruptFileError({ path, problem });
}
