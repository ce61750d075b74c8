import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { buildFolder, builds, type Build } from './location.js';

/** An attribute of one of TensorFlow's operations. */
export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: string | number | boolean | readonly number[];
}

/** A tensor of TensorFlow's own, of any of its types. */
export interface OutputHandle {
  readonly id: number;
}

/** The parts of tfjs-node's backend that we use: it has no types here. */
export interface NodeBackend extends tf.KernelBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: Readonly<
    Record<
      | 'TF_ATTR_TYPE'
      | 'TF_ATTR_FLOAT'
      | 'TF_ATTR_STRING'
      | 'TF_ATTR_BOOL'
      | 'TF_ATTR_INT',
      number
    >
  > & {
    readonly TF_Version: string;
    /** Handles in, handles out: whoever has one deletes it. */
    executeOp(
      op: string,
      attributes: readonly OpAttribute[],
      inputs: readonly number[],
      outputCount: number,
    ): OutputHandle[];
    deleteTensor(id: number): void;
  };
  /** Handles that stay the tensors'. */
  getInputTensorIds(tensors: readonly tf.Tensor[]): number[];
  /** The tensor has the handle from now on. */
  createOutputTensor(output: OutputHandle): tf.Tensor;
  executeMultipleOutputs(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly tf.Tensor[],
    outputCount: number,
  ): tf.Tensor[];
}

export interface TfjsNode {
  readonly backend: NodeBackend;
  readonly version: string;
  /** Whether it has the operations of native/ops.cc. */
  readonly hasOwnOperations: boolean;
}

/** The GPU package also runs where there is no GPU. */
const published = ['tfjs-node-gpu', 'tfjs-node'] as const;

let loaded: TfjsNode | undefined;

/**
 * Loads tfjs-node: our build of it (scripts/setup-tensorflow.mjs), or else the
 * published package, if the user installed that; or says why it cannot.
 */
export function loadTfjsNode(): TfjsNode | { readonly problem: string } {
  if (loaded) return loaded;
  // It brings kernels of other backends along, which our engines register
  // too: hundreds of warnings that mean nothing.
  tf.enableProdMode();
  const problems: string[] = [];
  const attempts = [
    ...builds.map((build) => () => loadBuild(build)),
    ...published.map((name) => () => loadPublished(name)),
  ];
  for (const attempt of attempts) {
    try {
      loaded = attempt();
      if (loaded) return loaded;
    } catch (error) {
      problems.push(firstLine(error));
    }
  }
  return { problem: [...problems, howToGetIt].join('; ') };
}

const howToGetIt =
  'Run `npm run setup:tensorflow` in a checkout of rrd (Linux on x64; about a minute)';

/** Undefined if there is none. */
function loadBuild(build: Build): TfjsNode | undefined {
  const folder = join(buildFolder(build), 'tfjs-node');
  if (!existsSync(folder)) return undefined;
  const load = createRequire(join(folder, 'package.json'));
  // tfjs-node calls a function that Node 23 no longer has.
  Object.assign(util, { isNullOrUndefined: (value: unknown) => value == null });
  const binding = load('./addon.node') as NodeBackend['binding'];
  const { NodeJSKernelBackend } = load('./dist/nodejs_kernel_backend.js') as {
    NodeJSKernelBackend: new (binding: object, name: string) => NodeBackend;
  };
  load('./dist/register_all_kernels.js');
  const backend = new NodeJSKernelBackend(binding, '@tensorflow/tfjs-node');
  tf.registerBackend('tensorflow', () => backend);
  return describe('tfjs-node 4.22.0', backend, true);
}

/** Undefined if it is not installed. */
function loadPublished(name: (typeof published)[number]): TfjsNode | undefined {
  const load = createRequire(import.meta.url);
  try {
    load.resolve(`@tensorflow/${name}/package.json`);
  } catch {
    return undefined;
  }
  const node = load(`@tensorflow/${name}`) as {
    readonly version: Readonly<Record<string, string>>;
  };
  const version = `${name} ${node.version['tfjs-node'] ?? ''}`;
  const backend = tf.findBackend('tensorflow') as NodeBackend;
  return describe(version, backend, false);
}

function describe(
  name: string,
  backend: NodeBackend,
  hasOwnOperations: boolean,
): TfjsNode {
  const { binding, isUsingGpuDevice } = backend;
  const device = isUsingGpuDevice ? 'GPU' : 'CPU';
  const version = `${name} (TensorFlow ${binding.TF_Version}, ${device})`;
  return { backend, version, hasOwnOperations };
}

/** Node's error texts run over many lines; the first one says it. */
function firstLine(error: unknown): string {
  const { message } = error as Error;
  return message.split('\n', 1)[0] ?? message;
}
