import type * as tf from '@tensorflow/tfjs-core';
import { methods, type MethodName } from '#distill/methods/index.js';
import type {
  Method,
  MethodInputs,
  Weighted,
} from '#distill/methods/method.js';
import type { NetworkOutput } from '#distill/models/network.js';
import type { NamedTensors } from '#distill/tensors.js';

/** How the tensors of a golden file become what a method of ours reads. */
export interface Reader {
  readonly method: Method;
  readonly params: Weighted;
  read(inputs: NamedTensors): Partial<MethodInputs>;
  /** The name of a head or buffer of the file in our state. */
  rename?(name: string): string;
}

/** What of a file decides how it is read. */
interface Outline {
  readonly inputs: object;
  readonly params: Readonly<Record<string, { readonly data: number[] }>>;
  readonly param_grads: Readonly<Record<string, unknown>>;
}

type ReaderOf = (file: Outline) => Reader;

function reader(name: MethodName, params: object = {}) {
  const method: Method = methods[name];
  return { method, params: method.params.parse(params) };
}

const hasHeads = ({ params }: Outline) => Object.keys(params).length > 0;

/** Both sides' pooled features. */
function features({ f_s, f_t }: NamedTensors): Partial<MethodInputs> {
  return {
    student: { features: f_s } as unknown as NetworkOutput,
    teacher: { features: f_t as tf.Tensor2D },
  };
}

function logits({ y_s, y_t, label }: NamedTensors): Partial<MethodInputs> {
  return {
    student: { logits: y_s } as unknown as NetworkOutput,
    teacher: { logits: y_t as tf.Tensor2D },
    labels: label as tf.Tensor1D,
  };
}

/** The maps of one side: a list `g_s.0`, ... or a single `f_s`. */
function mapsOf(inputs: NamedTensors, side: 's' | 't'): tf.Tensor4D[] {
  const pattern = new RegExp(`^(g_${side}\\.\\d+|f_${side})$`);
  const names = Object.keys(inputs).filter((name) => pattern.test(name));
  return names.map((name) => inputs[name] as tf.Tensor4D);
}

/** Both sides' maps; methods of stages pass over the stem's, any will do. */
function maps(stem: 'stem' | 'no stem', kind: 'maps' | 'preactivations') {
  return (inputs: NamedTensors): Partial<MethodInputs> => {
    const [own, target] = (['s', 't'] as const).map((side) => {
      const list = mapsOf(inputs, side);
      return stem === 'stem' ? [list[0]!, ...list] : list;
    }) as [tf.Tensor4D[], tf.Tensor4D[]];
    const student = kind === 'maps' ? { maps: own } : { [kind]: () => own };
    return {
      student: student as unknown as NetworkOutput,
      teacher: { [kind]: target },
    };
  };
}

const ofStages = maps('stem', 'maps');
const asGiven = maps('no stem', 'maps');

/** `embed_s.linear.weight` and the like. */
function embedding(name: string): string {
  return name
    .replace('.linear.', '.')
    .replace(/^embed_s\./, 'embed.')
    .replace(/^embed_t\./, 'embedTeacher.');
}

/** By the reference's file. */
export const readers: Readonly<Record<string, ReaderOf>> = {
  'AB.py': (file) => ({
    ...reader('ab', { connectors: hasHeads(file) ? 'conv' : 'none' }),
    read: maps('stem', 'preactivations'),
  }),
  'AT.py': () => ({ ...reader('at'), read: ofStages }),
  'CC.py': () => ({ ...reader('cc'), read: features, rename: embedding }),
  'DCD.py': (file) => ({
    ...reader('dcd', scaleOf(file)),
    read: features,
    rename: (name) =>
      embedding(name)
        .replace(/^params\.tau$/, 'logScale')
        .replace(/^params\.b$/, 'bias'),
  }),
  'EGA.py': () => ({ ...reader('ega'), read: features }),
  'FSP.py': () => ({ ...reader('fsp'), read: asGiven }),
  'FT.py': (file) => ({
    ...reader('ft', { factors: hasHeads(file) ? 'translated' : 'none' }),
    read: asGiven,
    rename: (name) =>
      name
        .replace(/^tr\.encoder\./, 'translator.')
        .replace(/^pa\.encoder\./, 'paraphraser.'),
  }),
  'FitNet.py': (file) => ({
    ...reader('fitnet', {
      layer: 0,
      regressor: hasHeads(file) ? 'conv' : 'none',
    }),
    read: asGiven,
  }),
  'ITRD.py': () => ({ ...reader('itrd'), read: features, rename: embedding }),
  'NST.py': () => ({ ...reader('nst'), read: ofStages }),
  'PKT.py': () => ({ ...reader('pkt'), read: features }),
  'RKD.py': () => ({ ...reader('rkd'), read: features }),
  'SP.py': () => ({ ...reader('sp'), read: asGiven }),
  'VID.py': () => ({
    ...reader('vid'),
    read: ofStages,
    rename: (name) => `0.${name.replace('log_scale', 'scale')}`,
  }),
  'WSLD.py': () => ({ ...reader('wsld', { hardLabels: true }), read: logits }),
};

/** A tau without a gradient is the fixed temperature. */
function scaleOf({ params, param_grads: gradients }: Outline): object {
  const tau = 'params.tau';
  return gradients[tau] ? {} : { scale: params[tau]!.data[0] };
}
