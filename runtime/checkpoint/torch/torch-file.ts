import { fromBufferPromise, type ZipFile } from 'yauzl';
import { CorruptFileError, DomainError } from '../../errors.js';
import { bytesPerElement } from '../elements.js';
import { ByteReader } from './byte-reader.js';
import { parseStorageId, Storage, torchGlobals } from './globals.js';
import { readPickle, type PickleHost, type PickleValue } from './pickle.js';

/**
 * Files of `torch.save`. Its zip layout: data.pkl, and a stored file for each
 * storage. Its older layout: pickles of a magic number, a protocol version,
 * facts of the system, the object, and the keys of the storages, then each
 * storage as an int64 count and its elements. Nothing is executed, and nothing
 * is larger in memory than in the file.
 */

const maxEntries = 100_000;
const magicNumber = 0x1950a86a20f9469cfc6cn;
const protocolVersion = 1001;

/**
 * The object that a file holds; its tensors are `TorchTensor`s.
 * @throws CorruptFileError, UnsafeCheckpointError
 */
export async function readTorchFile(
  bytes: Buffer,
  path: string,
): Promise<PickleValue> {
  const isZip = bytes.readUInt32BE(0) === 0x504b0304;
  return isZip ? readZip(bytes, path) : readLegacy(bytes, path);
}

async function readZip(bytes: Buffer, path: string): Promise<PickleValue> {
  const entries = await storedEntries(bytes, path);
  const corrupt = (problem: string) => new CorruptFileError({ path, problem });
  const programs = [...entries.keys()].filter((n) => n.endsWith('/data.pkl'));
  const [program] = programs;
  if (program === undefined || programs.length > 1)
    throw corrupt(`${programs.length} files data.pkl in it, 1 expected`);
  const folder = program.slice(0, -'data.pkl'.length);
  const order = entries.get(`${folder}byteorder`);
  if (order && Buffer.from(order).toString('latin1') !== 'little')
    throw corrupt('it is not little-endian');
  const reader = new ByteReader(entries.get(program)!, path);
  const host = hostFor(reader, (key) => entries.get(`${folder}data/${key}`));
  return readPickle(reader, host);
}

/** The files of an archive that compresses none, by name; no copies. */
async function storedEntries(
  bytes: Buffer,
  path: string,
): Promise<Map<string, Uint8Array>> {
  const corrupt = (problem: string, cause?: unknown) =>
    new CorruptFileError({ path, problem }, { cause });
  try {
    const zip = await fromBufferPromise(bytes, { lazyEntries: true });
    if (zip.entryCount > maxEntries)
      throw corrupt(`${zip.entryCount} files, at most ${maxEntries}`);
    return await entriesOf(zip, bytes, corrupt);
  } catch (cause) {
    if (cause instanceof DomainError) throw cause;
    throw corrupt('not a whole zip archive', cause);
  }
}

async function entriesOf(
  zip: ZipFile,
  bytes: Buffer,
  corrupt: (problem: string) => CorruptFileError,
): Promise<Map<string, Uint8Array>> {
  const entries = new Map<string, Uint8Array>();
  for await (const entry of zip.eachEntry()) {
    const { fileName, compressionMethod, compressedSize } = entry;
    // What torch.save writes is stored: so no small file unfolds to a large one.
    if (compressionMethod !== 0 || entry.isEncrypted())
      throw corrupt(`${fileName} is compressed or encrypted`);
    const options = { minimal: true } as const;
    const header = await zip.readLocalFileHeaderPromise(entry, options);
    const start = header.fileDataStart;
    if (start + compressedSize > bytes.length || entries.has(fileName))
      throw corrupt(`${fileName} is cut off or there twice`);
    entries.set(fileName, bytes.subarray(start, start + compressedSize));
  }
  return entries;
}

function readLegacy(bytes: Buffer, path: string): PickleValue {
  const reader = new ByteReader(bytes, path);
  const storages = new Map<string, Uint8Array>();
  const named = new Map<string, Storage>();
  const host = hostFor(reader, (key) => storages.get(key), named);
  if (readPickle(reader, host) !== magicNumber)
    throw reader.corrupt('it does not begin with the magic number of torch');
  if (readPickle(reader, host) !== protocolVersion)
    throw reader.corrupt(`its protocol is not ${protocolVersion}`);
  const system = readPickle(reader, host);
  if (!(system instanceof Map) || system.get('little_endian') !== true)
    throw reader.corrupt('it is not little-endian');
  const root = readPickle(reader, host);
  const keys = readPickle(reader, host);
  if (!Array.isArray(keys)) throw reader.corrupt('no list of storages');
  for (const key of keys as readonly PickleValue[]) {
    const storage = named.get(key as string);
    if (!storage) throw reader.corrupt('a storage that no tensor has');
    if (reader.int64() !== BigInt(storage.elements))
      throw reader.corrupt(`storage ${storage.key} has another size`);
    const length = storage.elements * bytesPerElement[storage.kind];
    storages.set(storage.key, reader.bytes(length));
  }
  if (reader.left > 0) throw reader.corrupt(`${reader.left} bytes left over`);
  return root;
}

/** @param bytesOf a storage's content by its key */
function hostFor(
  reader: ByteReader,
  bytesOf: (key: string) => Uint8Array | undefined,
  named = new Map<string, Storage>(),
): PickleHost {
  const globals = torchGlobals(reader.path);
  return {
    global: (module, name) => globals.get(`${module}.${name}`),
    persistent(id) {
      const parsed = parseStorageId(id);
      if (!parsed) throw reader.corrupt('a persistent id that is no storage');
      const { key, kind, elements } = parsed;
      const length = elements * bytesPerElement[kind];
      const storage = new Storage(key, kind, elements, () => {
        const bytes = bytesOf(key);
        if (bytes?.length === length) return bytes;
        const actual = bytes ? `${bytes.length} bytes` : 'missing';
        throw reader.corrupt(`storage ${key}: ${actual}, ${length} expected`);
      });
      const known = named.get(key);
      if (known && (known.kind !== kind || known.elements !== elements))
        throw reader.corrupt(`storage ${key} is two`);
      named.set(key, storage);
      return storage;
    },
  };
}
