import { ConfigInvalidError } from '../errors.js';

/** The name of the data set that needs no files. */
export const proceduralName = 'procedural';

export interface Definition {
  readonly kind: 'folder' | 'cifar10' | 'cifar100';
  readonly root: string;
  /** Only for folders: the side that images are resized to. */
  readonly resizeTo?: number;
}

const form = /^(folder|cifar10|cifar100):([^?]+)(?:\?size=([1-9]\d{0,3}))?$/;
const allowedName = /^[a-z0-9][a-z0-9._+-]{0,63}$/i;

/** Reads `kind:/path`. Throws `ConfigInvalidError`. */
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
  const match = form.exec(text);
  const [, kind, root, size] = match ?? [];
  if (!kind || !root || (size && kind !== 'folder')) {
    throw invalid(
      text,
      'folder:/path, folder:/path?size=64, cifar10:/path or cifar100:/path',
    );
  }
  return {
    kind: kind as Definition['kind'],
    root,
    ...(size && { resizeTo: Number(size) }),
  };
}
