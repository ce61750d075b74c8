import type {
  HostTensor,
  NamedHostTensors,
  NamedSpecs,
  TensorSpec,
} from '#distill/tensors.js';
import { sizeOf } from '#distill/tensors.js';
import { BatchShapeError, InvalidRequestError } from '../errors.js';

/**
 * Checks that `tensors` holds exactly the tensors of `specs`; every engine does
 * so before it touches its device.
 *
 * @param group what the tensors are, for the error: `inputs`, say
 * @throws InvalidRequestError if a name is missing or unknown
 * @throws BatchShapeError if a shape, element type or element count differs
 */
export function checkTensors(
  group: string,
  specs: NamedSpecs,
  tensors: NamedHostTensors,
): void {
  checkSomeTensors(group, specs, tensors);
  const missing = Object.keys(specs).filter((name) => !(name in tensors));
  if (missing.length > 0) {
    const value = `without ${missing.join(', ')}`;
    throw new InvalidRequestError({ field: group, value, expected: 'all' });
  }
}

/** The same, but names of `specs` may be left out. */
export function checkSomeTensors(
  group: string,
  specs: NamedSpecs,
  tensors: NamedHostTensors,
): void {
  for (const [name, tensor] of Object.entries(tensors)) {
    checkTensor(`${group}.${name}`, specOf(group, specs, name), tensor);
  }
}

/** The spec named `name`. @throws InvalidRequestError if there is none */
export function specOf(
  group: string,
  specs: NamedSpecs,
  name: string,
): TensorSpec {
  const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
  if (spec) return spec;
  const expected = `one of ${Object.keys(specs).join(', ')}`;
  throw new InvalidRequestError({ field: group, value: name, expected });
}

/** @throws BatchShapeError if a tensor that a program made is not its spec */
export function checkSpec(
  field: string,
  expected: TensorSpec,
  actual: { readonly shape: readonly number[]; readonly dataType: string },
): void {
  const wanted = describe(expected.dataType, expected.shape);
  const got = describe(actual.dataType, actual.shape);
  if (wanted === got) return;
  throw new BatchShapeError({ field, expected: wanted, actual: got });
}

function checkTensor(field: string, spec: TensorSpec, tensor: HostTensor) {
  const { data, shape } = tensor;
  const dataType = data instanceof Int32Array ? 'int32' : 'float32';
  checkSpec(field, spec, { shape, dataType });
  if (data.length === sizeOf(shape)) return;
  const expected = `${sizeOf(shape)} elements`;
  throw new BatchShapeError({ field, expected, actual: data.length });
}

const describe = (dataType: string, shape: readonly number[]) =>
  `${dataType} [${shape.join(', ')}]`;
