import type {
  HostTensor,
  NamedHostTensors,
  NamedSpecs,
  NamedTensors,
} from '#distill/tensors.js';
import type { Engine } from '#runtime/compute/engine.js';
import type { Checks } from './checks.js';

/** Something that a golden file says about the code. */
export interface GoldenCase {
  readonly name: string;
  /** Why it cannot be run yet; it then counts as skipped. */
  readonly skip?: string;
  /** Too much for the plain JavaScript engine, which leaves it out. */
  readonly heavy?: boolean;
  run?(engine: Engine, checks: Checks): Promise<void>;
}

/** Runs a function of named tensors once, as a program on an engine. */
export async function runOnce(
  engine: Engine,
  inputs: NamedHostTensors,
  run: (inputs: NamedTensors) => NamedTensors,
): Promise<NamedHostTensors> {
  const program = {
    name: 'golden case',
    state: {},
    inputs: specsOf(inputs),
    run: (_state: NamedTensors, tensors: NamedTensors) => ({
      state: {},
      outputs: run(tensors),
    }),
  };
  const executable = await engine.compile(program, {});
  try {
    return await executable.run(inputs);
  } finally {
    executable.dispose();
  }
}

function specsOf(tensors: NamedHostTensors): NamedSpecs {
  const specOf = ({ shape, data }: HostTensor) => ({
    shape,
    dataType: data instanceof Int32Array ? 'int32' : 'float32',
  });
  const entries = Object.entries(tensors);
  return Object.fromEntries(
    entries.map(([name, host]) => [name, specOf(host)]),
  ) as NamedSpecs;
}
