import { philox } from './philox.js';

/** A source of random numbers that is a pure function of its key. */
export interface Rng {
  /** The next double in [0, 1). */
  uniform(): number;
  /** The next draw of the standard normal distribution. */
  normal(): number;
  /** The next integer in [0, bound). */
  integer(bound: number): number;
}

/**
 * A counter-based generator: the same key gives the same numbers anywhere and
 * in any order of calls, different keys give independent ones. Say what the
 * numbers are for in the key, e.g. `rngFrom(seed, 'view', epoch, index)`.
 *
 * @param key safe integers and strings; order and kind matter
 * @throws RangeError for a number that is not a safe integer
 */
export function rngFrom(...key: readonly (number | string)[]): Rng {
  return new PhiloxRng(digestOf(key));
}

/** 128 bits that depend on every part of the key. */
function digestOf(key: readonly (number | string)[]): Uint32Array {
  const digest = new Uint32Array(4);
  for (const part of key) {
    if (typeof part === 'number') {
      if (!Number.isSafeInteger(part)) throw new RangeError(`key part ${part}`);
      absorb(digest, part | 0, Math.floor(part / 2 ** 32), 1);
    } else {
      for (let i = 0; i < part.length; i++) {
        absorb(digest, part.charCodeAt(i), i, 2);
      }
      absorb(digest, part.length, 0, 3);
    }
  }
  return digest;
}

/** Davies-Meyer: the old digest is encrypted under the words and added. */
function absorb(digest: Uint32Array, low: number, high: number, kind: number) {
  const block = digest.slice();
  block[0]! ^= kind;
  philox(block, low, high);
  for (let i = 0; i < 4; i++) digest[i]! ^= block[i]!;
}

class PhiloxRng implements Rng {
  readonly #digest: Uint32Array;
  readonly #block = new Uint32Array(4);
  #counter = 0;
  #words = 0;
  #spare: number | undefined;

  constructor(digest: Uint32Array) {
    this.#digest = digest;
  }

  uniform(): number {
    const high = this.#word() >>> 5; // 27 bits
    const low = this.#word() >>> 6; // 26 bits
    return (high * 0x4000000 + low) / 2 ** 53;
  }

  /** Box and Muller's pair, one at a time. */
  normal(): number {
    const spare = this.#spare;
    this.#spare = undefined;
    if (spare !== undefined) return spare;
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  integer(bound: number): number {
    return Math.floor(this.uniform() * bound);
  }

  #word(): number {
    if (this.#words === 0) this.#refill();
    return this.#block[--this.#words]!;
  }

  /** Half of the digest is the key, the other half and the counter the block. */
  #refill() {
    const [key0, key1, upper0, upper1] = this.#digest;
    this.#block[0] = this.#counter | 0;
    this.#block[1] = Math.floor(this.#counter / 2 ** 32);
    this.#block[2] = upper0!;
    this.#block[3] = upper1!;
    philox(this.#block, key0!, key1!);
    this.#counter++;
    this.#words = 4;
  }
}
