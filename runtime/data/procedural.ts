import { setImmediate as turn } from 'node:timers/promises';
import type { Dataset, DatasetSplit } from '#distill/data/dataset.js';
import { createProceduralDataset } from '#distill/data/procedural.js';

/** Painting one takes about a millisecond. */
const imagesPerTurn = 8;

/**
 * The built-in data set for a thread that has other things to do: images that
 * are asked for the first time are painted a few at a time.
 */
export function loadProcedural(): Dataset {
  const dataset = createProceduralDataset();
  const splits = {
    train: inTurns(dataset.split('train')),
    test: inTurns(dataset.split('test')),
  };
  return { ...dataset, split: (split) => splits[split] };
}

function inTurns(split: DatasetSplit): DatasetSplit {
  return {
    size: split.size,
    label: (index) => split.label(index),
    async images(indices, signal) {
      const parts: Uint8Array[] = [];
      for (let start = 0; start < indices.length; start += imagesPerTurn) {
        const some = indices.slice(start, start + imagesPerTurn);
        parts.push(await split.images(some, signal));
        await turn();
      }
      return joined(parts);
    },
  };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let position = 0;
  for (const part of parts) {
    out.set(part, position);
    position += part.length;
  }
  return out;
}
