import { ConfigInvalidError } from '../errors.js';

/** The name of the data set that needs no files. */
export const proceduralName = 'procedural';

export const datasetKinds = [
  'folder',
  'cifar10',
  'cifar100',
  'stl10',
  'tiny-imagenet',
  'imagenet',
  'tar',
] as const;

export interface Definition {
  readonly kind: (typeof datasetKinds)[number];
  readonly root: string;
  /** The side that images are scaled to; CIFAR's are taken as they are. */
  readonly resizeTo?: number;
}

const form = new RegExp(
  `^(${datasetKinds.join('|')}):([^?]+)(?:\\?size=([1-9]\\d{0,3}))?$`,
);
const allowedName = /^[a-z0-9][a-z0-9._+-]{0,63}$/i;

/** Reads `kind:/path` or `kind:/path?size=N`. Throws `ConfigInvalidError`. */
export function parseDefinition(name: string, text: string): Definition {
  const invalid = (value: string, expected: string) =>
    new ConfigInvalidError({
      source: 'data sets',
      line: 0,
      field: name,
      value,
      expected,
    });
  if (!allowedName.test(name) || name === proceduralName) {
    throw invalid(name, 'a name of letters, digits and ._+- that is not taken');
  }
  const [, kind, root, size] = form.exec(text) ?? [];
  if (!kind || !root || (size && kind.startsWith('cifar'))) {
    const expected = `kind:/path or kind:/path?size=64 (not for CIFAR), the kind one of ${datasetKinds.join(', ')}`;
    throw invalid(text, expected);
  }
  return {
    kind: kind as Definition['kind'],
    root,
    ...(size && { resizeTo: Number(size) }),
  };
}
