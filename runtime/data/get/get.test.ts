import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync, deflateRawSync, crc32 } from 'node:zlib';
import { pack, type Header } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CorruptFileError, DownloadError } from '../../errors.js';
import type { Archive } from './archives.js';
import { getDataset } from './get.js';

let folder: string;
let server: Server;
let url: string;
/** Range headers of the requests so far. */
let ranges: (string | undefined)[];
let serve: (response: ServerResponse, from: number) => void;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rrd-get-'));
  ranges = [];
  server = createServer((request, response) => {
    const { range } = request.headers;
    ranges.push(range);
    serve(response, Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  url = `http://127.0.0.1:${port}/set.bin`;
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
  await rm(folder, { recursive: true });
});

type Files = readonly (Partial<Header> & { name: string; content?: Buffer })[];

async function tarGz(files: Files): Promise<Buffer> {
  const packed = pack();
  for (const { content = Buffer.alloc(0), ...header } of files) {
    packed.entry(header, content);
  }
  packed.finalize();
  return gzipSync(await buffer(packed));
}

/** A zip file of one entry, whose declared size may be a lie. */
function zip(name: string, content: Buffer, size = content.length): Buffer {
  const data = deflateRawSync(content);
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt16LE(8, 4);
  fields.writeUInt32LE(crc32(content), 10);
  fields.writeUInt32LE(data.length, 14);
  fields.writeUInt32LE(size, 18);
  fields.writeUInt16LE(name.length, 22);
  const local = [Buffer.from('PK\x03\x04'), fields, Buffer.from(name), data];
  const central = [
    Buffer.from('PK\x01\x02\x14\x00'),
    fields,
    Buffer.alloc(14),
    Buffer.from(name),
  ];
  const end = Buffer.alloc(18);
  end.writeUInt16LE(1, 4);
  end.writeUInt16LE(1, 6);
  end.writeUInt32LE(Buffer.concat(central).length, 8);
  end.writeUInt32LE(Buffer.concat(local).length, 12);
  return Buffer.concat([...local, ...central, Buffer.from('PK\x05\x06'), end]);
}

const archiveOf = (bytes: Buffer, format: Archive['format']): Archive => ({
  url,
  bytes: bytes.length,
  md5: createHash('md5').update(bytes).digest('hex'),
  format,
  folder: 'set',
  maxUnpackedBytes: 2 ** 20,
});

const get = (archive: Archive, seen: number[] = []) =>
  getDataset(archive, folder, {
    signal: AbortSignal.timeout(20_000),
    onBytes: (bytes) => seen.push(bytes),
    stallMs: 500,
    retryMs: 1,
  });

const content = Buffer.from(
  Array.from({ length: 300_000 }, (_, i) => (i * i * 31 + (i >> 3)) % 251),
);
const honest = () => tarGz([{ name: 'set/a.bin', content }]);

/** Answers with the rest of the bytes, as servers that know ranges do. */
const whole = (bytes: Buffer) => (response: ServerResponse, from: number) => {
  const range = `bytes ${from}-${bytes.length - 1}/${bytes.length}`;
  response.writeHead(from > 0 ? 206 : 200, { 'content-range': range });
  response.end(bytes.subarray(from));
};

describe('getting a data set', () => {
  it('downloads, checks and unpacks it, once', async () => {
    const bytes = await honest();
    serve = whole(bytes);
    const seen: number[] = [];
    const path = await get(archiveOf(bytes, 'tar.gz'), seen);
    expect(await readFile(join(path, 'a.bin'))).toEqual(content);
    expect(seen.at(-1)).toBe(bytes.length);
    expect(await readdir(folder)).toEqual(['set']);
    expect(await get(archiveOf(bytes, 'tar.gz'))).toBe(path);
    expect(ranges).toEqual([undefined]);
  });

  it('unpacks zip files', async () => {
    const bytes = zip('set/a.bin', content);
    serve = whole(bytes);
    const path = await get(archiveOf(bytes, 'zip'));
    expect(await readFile(join(path, 'a.bin'))).toEqual(content);
  });

  it.each([true, false])(
    'goes on where a connection was cut (ranges known: %s)',
    async (knowsRanges) => {
      const bytes = await honest();
      const cut = Math.floor(bytes.length / 3);
      serve = (response, from) => {
        if (ranges.length > 1) {
          whole(bytes)(response, knowsRanges ? from : 0);
          return;
        }
        response.writeHead(200, { 'content-length': bytes.length });
        response.write(bytes.subarray(0, cut));
        setTimeout(() => response.destroy(), 200);
      };
      const path = await get(archiveOf(bytes, 'tar.gz'));
      expect(await readFile(join(path, 'a.bin'))).toEqual(content);
      expect(ranges).toEqual([undefined, `bytes=${cut}-`]);
    },
  );

  it('goes on where an earlier process stopped', async () => {
    const bytes = await honest();
    await writeFile(join(folder, 'set.bin'), bytes.subarray(0, 1000));
    serve = whole(bytes);
    await get(archiveOf(bytes, 'tar.gz'));
    expect(ranges).toEqual(['bytes=1000-']);
  });

  it('takes a file that was put there by hand', async () => {
    const bytes = await honest();
    await writeFile(join(folder, 'set.bin'), bytes);
    await get(archiveOf(bytes, 'tar.gz'));
    expect(ranges).toEqual([]);
  });

  it('gives up a server that stays silent, or says no', async () => {
    const bytes = await honest();
    serve = () => {};
    const error = await get(archiveOf(bytes, 'tar.gz')).catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(DownloadError);
    expect(error).toMatchObject({ metadata: { url } });
    serve = (response) => response.writeHead(404).end();
    await expect(get(archiveOf(bytes, 'tar.gz'))).rejects.toBeInstanceOf(
      DownloadError,
    );
  });

  it('keeps nothing of other bytes, nor of more of them', async () => {
    const bytes = await honest();
    const other = Buffer.from(bytes);
    other[200]! ^= 1;
    serve = whole(other);
    await expect(get(archiveOf(bytes, 'tar.gz'))).rejects.toBeInstanceOf(
      CorruptFileError,
    );
    expect(await readdir(folder)).toEqual([]);
    serve = whole(Buffer.concat([bytes, bytes]));
    await expect(get(archiveOf(bytes, 'tar.gz'))).rejects.toBeInstanceOf(
      DownloadError,
    );
  });
});

describe('an archive is refused that', () => {
  const refused = async (bytes: Buffer, format: Archive['format']) => {
    serve = whole(bytes);
    const error = await get(archiveOf(bytes, format)).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(CorruptFileError);
    expect(await readdir(folder)).not.toContain('set');
    expect(await readdir(join(folder, '..'))).not.toContain('escaped');
  };

  it.each([
    ['names a file above', { name: '../escaped' }],
    ['names a file from the root', { name: '/tmp/escaped' }],
    ['names a file above a folder', { name: 'set/../../escaped' }],
    ['has a link', { name: 'set/a', type: 'symlink', linkname: '/etc' }],
    ['unfolds to too much', { name: 'set/a', content: Buffer.alloc(2 ** 21) }],
  ] as const)('%s', async (_, file) => {
    await refused(await tarGz([file]), 'tar.gz');
  });

  it('has one name twice', async () => {
    const file = { name: 'set/a', content: Buffer.from('x') };
    await refused(await tarGz([file, file]), 'tar.gz');
  });

  it('is cut off, or none', async () => {
    const bytes = await honest();
    await refused(bytes.subarray(0, bytes.length / 2), 'tar.gz');
  });

  it('is a zip file that lies about names or sizes', async () => {
    await refused(zip('../escaped', content), 'zip');
    await refused(zip('set/a', Buffer.alloc(2 ** 21)), 'zip');
    await refused(zip('set/b', Buffer.alloc(2 ** 21), 10), 'zip');
    await refused(Buffer.from('no zip file'), 'zip');
  });
});
