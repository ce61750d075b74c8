import type { Program } from '#distill/program.js';
import type { NamedSpecs, NamedTensors, TensorSpec } from '#distill/tensors.js';
import { checkSpec, specOf } from '../check.js';
import type { Graph } from './graph.js';
import { cast } from './kernels/arithmetic.js';
import type { Port } from './model.js';
import { withTracer, type Tracer } from './trace-backend.js';
import { materialize, viewOf } from './view.js';

type Ports = ReadonlyMap<string, Port>;

/** A program as a graph; ports by the program's own names. */
export interface TracedProgram {
  readonly graph: Graph;
  readonly state: Ports;
  readonly inputs: Ports;
  /** Only tensors that the program replaces. */
  readonly newState: Ports;
  readonly outputs: Ports;
}

/**
 * Runs `program` once, on tensors without values, and records what it does.
 * @param blockSize of blocked.ts, if blocked layouts may be used
 */
export function trace(program: Program, blockSize?: number): TracedProgram {
  return withTracer(blockSize, (tracer) => {
    const state = inputPorts('state', program.state);
    const inputs = inputPorts('input', program.inputs);
    const result = program.run(
      placeholders(tracer, program.state, state),
      placeholders(tracer, program.inputs, inputs),
    );
    for (const [name, { shape, dtype: dataType }] of Object.entries(
      result.state,
    )) {
      const spec = specOf('new state', program.state, name);
      checkSpec(`new state.${name}`, spec, { shape, dataType });
    }
    const taken = new Set<string>();
    return {
      graph: tracer.graph,
      state,
      inputs,
      newState: outputPorts(tracer, result.state, taken),
      outputs: outputPorts(tracer, result.outputs, taken),
    };
  });
}

function inputPorts(group: string, specs: NamedSpecs): Map<string, Port> {
  const port = (name: string, { shape, dataType }: TensorSpec): Port => ({
    name: `${group}/${name}`,
    type: dataType,
    dims: shape,
  });
  return new Map(
    Object.entries(specs).map(([name, spec]) => [name, port(name, spec)]),
  );
}

function placeholders(
  tracer: Tracer,
  specs: NamedSpecs,
  ports: Ports,
): NamedTensors {
  const tensors = Object.entries(specs).map(([name, { shape, dataType }]) => {
    const view = viewOf(ports.get(name)!.name, dataType, shape);
    return [name, tracer.tensor(view)] as const;
  });
  return Object.fromEntries(tensors);
}

/** Values of their own for all tensors, also where two are the same. */
function outputPorts(
  tracer: Tracer,
  tensors: NamedTensors,
  taken: Set<string>,
): Map<string, Port> {
  const { graph } = tracer;
  const ports = Object.entries(tensors).map(([name, tensor]) => {
    const raw = tracer.view(tensor);
    const view = raw.type === 'bool' ? cast(graph, raw, 'int32') : raw;
    let value = materialize(graph, view);
    if (taken.has(value) || !graph.producer(value)) value = graph.copy(value);
    taken.add(value);
    return [name, { name: value, type: view.type, dims: view.shape }] as const;
  });
  return new Map(ports);
}
