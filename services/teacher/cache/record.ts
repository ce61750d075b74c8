import { crc32 } from 'node:zlib';

/**
 * A row on disk: CRC-32 of all that follows, payload bytes, key, payload; the
 * numbers and floats little-endian.
 */
export const keyBytes = 32;
export const headerBytes = 8 + keyBytes;
/** Longer ones are damage: no network has so many features and classes. */
const maxPayloadBytes = 4 * 2 ** 20;

export interface Record {
  readonly key: string;
  readonly row: Float32Array;
  readonly bytes: number;
}

/** @param key 32 bytes, as base64 */
export function encodeRecord(key: string, row: Float32Array): Buffer {
  const record = Buffer.alloc(headerBytes + row.byteLength);
  record.writeUInt32LE(row.byteLength, 4);
  record.write(key, 8, 'base64');
  record.set(
    new Uint8Array(row.buffer, row.byteOffset, row.byteLength),
    headerBytes,
  );
  record.writeUInt32LE(crc32(record.subarray(4)), 0);
  return record;
}

/** The record at `start`; nothing where it is torn or damaged. */
export function decodeRecord(data: Buffer, start = 0): Record | undefined {
  if (data.length < start + headerBytes) return undefined;
  const payloadBytes = data.readUInt32LE(start + 4);
  const end = start + headerBytes + payloadBytes;
  if (payloadBytes > maxPayloadBytes || payloadBytes % 4 !== 0)
    return undefined;
  if (data.length < end) return undefined;
  const checksum = crc32(data.subarray(start + 4, end));
  if (checksum !== data.readUInt32LE(start)) return undefined;
  const key = data.toString('base64', start + 8, start + headerBytes);
  const row = new Float32Array(payloadBytes / 4);
  new Uint8Array(row.buffer).set(data.subarray(start + headerBytes, end));
  return { key, row, bytes: end - start };
}
