import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CorruptFileError } from '../errors.js';
import { decodeSafetensors, encodeSafetensors } from './safetensors.js';

const tensors = {
  'layer1.0.conv1.weight': {
    shape: [2, 1, 1, 3],
    data: new Float32Array([1, -2, 3.5, 0, 1e-30, 6]),
  },
  'bn1.num_batches_tracked': { shape: [], data: new Int32Array([7]) },
  empty: { shape: [0, 4], data: new Float32Array(0) },
};

/** A file with any header text and data. */
function file(header: unknown, dataBytes: number, headerBytes?: bigint) {
  const json = typeof header === 'string' ? header : JSON.stringify(header);
  const text = new TextEncoder().encode(json);
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  const length = headerBytes ?? BigInt(text.length);
  new DataView(bytes.buffer).setBigUint64(0, length, true);
  bytes.set(text, 8);
  return bytes;
}

const f32 = (begin: number, end: number, shape: number[]) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

describe('safetensors', () => {
  it('round-trips tensors and metadata', () => {
    const bytes = encodeSafetensors(tensors, { format: 'pt' });
    const decoded = decodeSafetensors(bytes, 'x');
    expect(decoded.tensors).toEqual(tensors);
    expect(decoded.metadata).toEqual({ format: 'pt' });
  });

  it('reads from any byte offset of memory', () => {
    const bytes = encodeSafetensors(tensors);
    for (const offset of [0, 1, 2, 3]) {
      const moved = new Uint8Array(bytes.length + offset);
      moved.set(bytes, offset);
      const decoded = decodeSafetensors(moved.subarray(offset), 'x');
      expect(decoded.tensors).toEqual(tensors);
    }
  });

  it('narrows int64 counters and widens uint8', () => {
    const bytes = file(
      {
        n: { dtype: 'I64', shape: [], data_offsets: [0, 8] },
        p: { dtype: 'U8', shape: [2], data_offsets: [8, 10] },
      },
      10,
    );
    bytes.set([3, 1, 0, 0, 0, 0, 0, 0, 255, 4], bytes.length - 10);
    expect(decodeSafetensors(bytes, 'x').tensors).toEqual({
      n: { shape: [], data: new Int32Array([259]) },
      p: { shape: [2], data: new Int32Array([255, 4]) },
    });
    bytes[bytes.length - 3] = 1;
    expect(() => decodeSafetensors(bytes, 'x')).toThrow(CorruptFileError);
  });

  const damaged: Record<string, Uint8Array> = {
    'no length': new Uint8Array(7),
    'a header longer than the file': file({}, 0, 1000n),
    'a header length beyond any file': file({}, 0, 2n ** 63n),
    'a header that is not JSON': file('{"a":', 0),
    'a header that is not UTF-8': Uint8Array.from([
      1, 0, 0, 0, 0, 0, 0, 0, 255,
    ]),
    'a header that is a list': file([], 0),
    'an unknown dtype': file({ a: { ...f32(0, 4, [1]), dtype: 'F8' } }, 4),
    'a negative dimension': file({ a: f32(0, 4, [-1]) }, 4),
    'a shape larger than its bytes': file({ a: f32(0, 4, [2 ** 40]) }, 4),
    'offsets out of range': file({ a: f32(0, 8, [2]) }, 4),
    'offsets backwards': file({ a: f32(4, 0, [1]) }, 4),
    'a gap': file({ a: f32(0, 4, [1]), b: f32(8, 12, [1]) }, 12),
    'an overlap': file({ a: f32(0, 8, [2]), b: f32(4, 12, [2]) }, 12),
    'bytes that no tensor owns': file({ a: f32(0, 4, [1]) }, 8),
    'a duplicate name': file(
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},' +
        '"\\u0061":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}',
      4,
    ),
    'metadata that is not text': file({ __metadata__: { a: 1 } }, 0),
  };
  it.each(Object.entries(damaged))('refuses %s', (_, bytes) => {
    expect(() => decodeSafetensors(bytes, 'x')).toThrow(CorruptFileError);
  });

  it('refuses every truncation', () => {
    const bytes = encodeSafetensors(tensors);
    for (let length = 0; length < bytes.length; length += 1) {
      const cut = bytes.subarray(0, length);
      expect(() => decodeSafetensors(cut, 'x')).toThrow(CorruptFileError);
    }
  });

  it('answers any bytes with tensors or CorruptFileError', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((json) => file(json, 4)),
        ),
        (bytes) => {
          try {
            decodeSafetensors(bytes, 'x');
          } catch (error) {
            expect(error).toBeInstanceOf(CorruptFileError);
          }
        },
      ),
    );
  });

  it('refuses to write a tensor whose data is not its shape', () => {
    const wrong = { a: { shape: [2], data: new Float32Array(3) } };
    expect(() => encodeSafetensors(wrong)).toThrow(RangeError);
  });
});

const readInPython = `
import json, struct, sys
data = open(sys.argv[1], 'rb').read()
size = struct.unpack('<Q', data[:8])[0]
header = json.loads(data[8:8 + size])
header.pop('__metadata__')
kind = {'F32': 'f', 'I32': 'i'}
body = data[8 + size:]
print(json.dumps({name: [entry['shape'], [value for (value,) in struct.iter_unpack(
  '<' + kind[entry['dtype']], body[slice(*entry['data_offsets'])])]]
  for name, entry in header.items()}))
`;
const hasPython = spawnSync('python3', ['--version']).status === 0;

describe('safetensors for others', () => {
  it.skipIf(!hasPython)(
    'are read by a reader in Python (needs python3)',
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'rrd-python-'));
      const path = join(folder, 'a.safetensors');
      writeFileSync(path, encodeSafetensors(tensors));
      const python = spawnSync('python3', ['-c', readInPython, path]);
      rmSync(folder, { recursive: true });
      const read = JSON.parse(python.stdout.toString()) as unknown;
      const expected = Object.entries(tensors).map(
        ([name, { shape, data }]) => [name, [shape, [...data]]],
      );
      expect(read).toEqual(Object.fromEntries(expected));
    },
  );
});
