import { readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import type { GoldenCase } from './case.js';
import { crdFifoCase, crdFifoSchema } from './crd-fifo.js';
import {
  fifoCase,
  fifoSchema,
  indivisibleCase,
  indivisibleSchema,
} from './fifo.js';
import { memoryCase, memorySchema } from './memory.js';
import { kdsvdCase, kdsvdSchema } from './kdsvd.js';
import { methodCase, methodExists, methodSchema } from './method.js';
import { networkCases, networkSchema } from './network.js';
import { plainCase, plainLossExists, plainSchema } from './plain.js';
import { sgdCase, sgdSchema } from './sgd.js';
import { zooCases, zooSchema } from './zoo.js';

/** What the kinds of files are told apart by. */
const outline = z.looseObject({
  name: z.string().optional(),
  source: z.string().optional(),
  opt: z.looseObject({ memory_type: z.string().optional() }).optional(),
});

/**
 * The cases of all files under a folder, in order of path.
 * @throws never for a bad file: that becomes a case that fails
 */
export function casesUnder(folder: string): GoldenCase[] {
  const files = filesUnder(folder).filter(
    (path) => !/(^README\.md|\.safetensors)$/.test(basename(path)),
  );
  return files.sort().flatMap((path) => {
    try {
      return casesOf(JSON.parse(readFileSync(path, 'utf8')), dirname(path));
    } catch (error) {
      const fail = async () => {
        throw error;
      };
      return [{ name: basename(path), run: fail }];
    }
  });
}

/** Also through links, which `readdir` alone does not follow. */
function filesUnder(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesUnder(path) : [path];
  });
}

function casesOf(json: unknown, folder: string): GoldenCase[] {
  const { name, source, opt, ...rest } = outline.parse(json);
  if ('nets' in rest) return zooCases(zooSchema.parse(json));
  if ('raises' in rest) return [indivisibleCase(indivisibleSchema.parse(json))];
  if ('param_order' in rest)
    return networkCases(networkSchema.parse(json), folder);
  if (name?.endsWith('_rrd_sgd'))
    return [sgdCase(sgdSchema.parse(json), folder)];
  if (source === 'RRD.py' && opt?.memory_type === 'fifo')
    return [fifoCase(fifoSchema.parse(json))];
  if (source === 'CRD.py' && opt?.memory_type === 'fifo')
    return [crdFifoCase(crdFifoSchema.parse(json))];
  if (opt?.memory_type === 'momentum')
    return [memoryCase(memorySchema.parse(json))];
  if (source && plainLossExists(source))
    return [plainCase(plainSchema.parse(json))];
  if (source === 'KDSVD.py') return [kdsvdCase(kdsvdSchema.parse(json))];
  if (source && methodExists(source))
    return [methodCase(methodSchema.parse(json))];
  throw new Error('a file of no known kind');
}
