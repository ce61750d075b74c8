import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { openPromise } from 'yauzl';
import { CorruptFileError } from '../../errors.js';

export interface UnpackOptions {
  readonly signal: AbortSignal;
  /** Bytes of all files together, counted as they are written. */
  readonly maxBytes: number;
  readonly maxEntries?: number;
}

/** Why an archive must not be unpacked any further. */
class Hostile extends Error {}

/**
 * Unpacks an archive into the folder `target`, which must be new: whatever
 * stops it leaves parts behind.
 * @throws CorruptFileError if it is cut off, names files outside of `target`,
 *   has links or devices, or unfolds to more than allowed
 */
export async function unpack(
  path: string,
  format: 'tar.gz' | 'zip',
  target: string,
  options: UnpackOptions,
): Promise<void> {
  const writer = new Writer(target, options);
  try {
    await (format === 'zip' ? unzip : untar)(path, writer, options.signal);
  } catch (cause) {
    options.signal.throwIfAborted();
    const problem =
      cause instanceof Hostile ? cause.message : 'not a whole archive';
    throw new CorruptFileError({ path, problem }, { cause });
  }
}

async function untar(path: string, writer: Writer, signal: AbortSignal) {
  const entries = extract();
  const stop = new AbortController();
  const reading = pipeline(createReadStream(path), createGunzip(), entries, {
    signal,
  });
  const writing = async () => {
    for await (const entry of entries) {
      const { name, type } = entry.header;
      // Whoever reads hears of it; until then it is nobody's.
      entry.on('error', () => {});
      if (type === 'directory') writer.place(name);
      else if (type === 'file') await writer.write(name, () => entry, stop);
      else throw new Hostile(`${name} is a ${type}`);
      entry.resume();
    }
  };
  try {
    // A damaged archive ends the reading, and an entry would wait for ever.
    await Promise.all([writing(), reading]);
  } finally {
    stop.abort();
    entries.destroy();
  }
}

async function unzip(path: string, writer: Writer, signal: AbortSignal) {
  // Sizes that differ from those declared, and unsafe names, are errors of it.
  const zip = await openPromise(path, { lazyEntries: true, autoClose: false });
  const stop = new AbortController();
  try {
    for await (const entry of zip.eachEntry()) {
      signal.throwIfAborted();
      const name = entry.fileName;
      const content = () => zip.openReadStreamPromise(entry);
      if (name.endsWith('/')) writer.place(name);
      else await writer.write(name, content, stop);
    }
  } finally {
    zip.close();
  }
}

/** Writes files below a folder, within limits. */
class Writer {
  #bytes = 0;
  #entries = 0;

  constructor(
    private readonly target: string,
    private readonly options: UnpackOptions,
  ) {}

  /** Where an entry goes. */
  place(name: string): string {
    const { maxEntries = 500_000 } = this.options;
    this.#entries += 1;
    if (this.#entries > maxEntries) {
      throw new Hostile(`it has more than ${maxEntries} entries`);
    }
    const parts = name.split('/');
    const outside = name === '' || name.startsWith('/') || /[\\:\0]/.test(name);
    if (outside || parts.includes('..')) {
      throw new Hostile(`${JSON.stringify(name)} is no path inside it`);
    }
    return join(this.target, ...parts);
  }

  async write(
    name: string,
    open: () => AsyncIterable<unknown> | Promise<AsyncIterable<unknown>>,
    stop: AbortController,
  ): Promise<void> {
    const path = this.place(name);
    await mkdir(dirname(path), { recursive: true });
    await pipeline(
      await open(),
      this.#counted(),
      // 'wx': a name that comes twice is refused, not written over.
      createWriteStream(path, { flags: 'wx' }),
      { signal: AbortSignal.any([this.options.signal, stop.signal]) },
    );
  }

  #counted(): Transform {
    return new Transform({
      transform: (chunk: Buffer, _, done) => {
        this.#bytes += chunk.length;
        const { maxBytes } = this.options;
        if (this.#bytes <= maxBytes) done(null, chunk);
        else done(new Hostile(`it unfolds to more than ${maxBytes} bytes`));
      },
    });
  }
}
