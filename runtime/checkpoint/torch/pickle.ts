import type { CorruptFileError } from '../../errors.js';
import { UnsafeCheckpointError } from '../../errors.js';
import type { ByteReader } from './byte-reader.js';

/**
 * Python's pickle format, protocol 2, as far as `torch.save` writes it. A
 * pickle is a program for a stack machine; this one knows no instruction that
 * imports, and calls nothing but what `PickleHost` names.
 */

/** A pickled value: tuples and lists are arrays, dicts are maps. */
export type PickleValue = unknown;

/** What the names in a pickle stand for. */
export interface PickleHost {
  /** The function or type behind a name; undefined refuses it. */
  global(module: string, name: string): PickleGlobal | undefined;
  /** The object that a persistent id names. */
  persistent(id: PickleValue): PickleValue;
}

/** A name that pickles may use; most are never called. */
export class PickleGlobal {
  constructor(
    readonly name: string,
    readonly call?: (args: readonly PickleValue[]) => PickleValue,
  ) {}
}

/** Far beyond any checkpoint: ours have some 40 instructions a tensor. */
const maxInstructions = 2_000_000;
const maxDepth = 100;

/**
 * Runs one pickle from the reader's position to its STOP.
 * @throws UnsafeCheckpointError for an instruction or a name beyond the subset
 * @throws CorruptFileError for a program that ends early or makes no sense
 */
export function readPickle(reader: ByteReader, host: PickleHost): PickleValue {
  const machine = new Machine(reader, host);
  for (let count = 0; count < maxInstructions; count++) {
    const opcode = reader.uint8();
    if (opcode === stop) return machine.result();
    const run = instructions.get(opcode);
    if (!run) {
      const code = `0x${opcode.toString(16).padStart(2, '0')}`;
      throw machine.refused(`pickle instruction ${code}`);
    }
    run(machine, reader);
  }
  throw reader.corrupt(`a pickle of over ${maxInstructions} instructions`);
}

class Machine {
  #stack: PickleValue[] = [];
  /** The stacks below each open mark. */
  readonly #below: PickleValue[][] = [];
  readonly memo = new Map<number, PickleValue>();

  constructor(
    private readonly reader: ByteReader,
    readonly host: PickleHost,
  ) {}

  push(value: PickleValue): void {
    this.#stack.push(value);
  }

  pop(): PickleValue {
    if (this.#stack.length === 0) throw this.corrupt('an empty stack');
    return this.#stack.pop();
  }

  top(): PickleValue {
    if (this.#stack.length === 0) throw this.corrupt('an empty stack');
    return this.#stack.at(-1);
  }

  mark(): void {
    if (this.#below.length >= maxDepth)
      throw this.corrupt(`nesting deeper than ${maxDepth}`);
    this.#below.push(this.#stack);
    this.#stack = [];
  }

  /** What was pushed since the last mark. */
  popMark(): PickleValue[] {
    const items = this.#stack;
    const below = this.#below.pop();
    if (!below) throw this.corrupt('no mark');
    this.#stack = below;
    return items;
  }

  popArray(): PickleValue[] {
    return this.array(this.pop());
  }

  array(value: PickleValue): PickleValue[] {
    if (Array.isArray(value)) return value;
    throw this.corrupt('no tuple or list where one is needed');
  }

  dict(value: PickleValue): Map<PickleValue, PickleValue> {
    if (value instanceof Map) return value;
    throw this.corrupt('no dict where one is needed');
  }

  setItems(items: readonly PickleValue[]): void {
    const dict = this.dict(this.top());
    if (items.length % 2) throw this.corrupt('a key without a value');
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  }

  /** Calls the function under its arguments, if that is allowed. */
  call(): void {
    const args = this.popArray();
    const callee = this.pop();
    if (!(callee instanceof PickleGlobal) || !callee.call)
      throw this.refused('a call of something that is no function');
    this.push(callee.call(args));
  }

  global(): void {
    const module = this.reader.line();
    const name = this.reader.line();
    const found = this.host.global(module, name);
    if (!found) throw this.refused(`${module}.${name}`);
    this.push(found);
  }

  /** Attributes: those of a namespace are its content, others are not read. */
  build(): void {
    const state = this.dict(this.pop());
    const object = this.dict(this.top());
    if (object instanceof Namespace)
      for (const [key, value] of state) object.set(key, value);
  }

  result(): PickleValue {
    const value = this.pop();
    if (this.#stack.length > 0 || this.#below.length > 0)
      throw this.corrupt('values left over');
    return value;
  }

  refused(what: string): UnsafeCheckpointError {
    return new UnsafeCheckpointError({ path: this.reader.path, what });
  }

  corrupt(problem: string): CorruptFileError {
    return this.reader.corrupt(`pickle: ${problem}`);
  }
}

/** An object of which only the attributes count. */
export class Namespace extends Map<PickleValue, PickleValue> {}

type Instruction = (machine: Machine, reader: ByteReader) => void;

const stop = '.'.charCodeAt(0);

/** By opcode; the letters are those of Python's pickletools. */
const instructions = new Map<number, Instruction>([
  [0x80, (m, r) => checkProtocol(m, r.uint8())],
  // Constants.
  letter('N', (m) => m.push(null)),
  [0x88, (m) => m.push(true)],
  [0x89, (m) => m.push(false)],
  letter('K', (m, r) => m.push(r.uint8())),
  letter('M', (m, r) => m.push(r.uint16())),
  letter('J', (m, r) => m.push(r.int32())),
  [0x8a, (m, r) => m.push(r.signed(r.uint8()))],
  letter('G', (m, r) => m.push(r.bigEndianDouble())),
  letter('X', (m, r) => m.push(r.text(r.uint32()))),
  letter('T', (m, r) => m.push(r.text(r.uint32()))),
  letter('U', (m, r) => m.push(r.text(r.uint8()))),
  // Collections.
  letter('(', (m) => m.mark()),
  letter(')', (m) => m.push([])),
  letter('t', (m) => m.push(m.popMark())),
  [0x85, (m) => m.push([m.pop()])],
  [0x86, (m) => m.push([m.pop(), m.pop()].reverse())],
  [0x87, (m) => m.push([m.pop(), m.pop(), m.pop()].reverse())],
  letter(']', (m) => m.push([])),
  letter('a', (m) => {
    const value = m.pop();
    m.array(m.top()).push(value);
  }),
  letter('e', (m) => {
    const items = m.popMark();
    const list = m.array(m.top());
    for (const item of items) list.push(item);
  }),
  letter('}', (m) => m.push(new Map())),
  letter('s', (m) => m.setItems([m.pop(), m.pop()].reverse())),
  letter('u', (m) => m.setItems(m.popMark())),
  // The memo.
  letter('q', (m, r) => m.memo.set(r.uint8(), m.top())),
  letter('r', (m, r) => m.memo.set(r.uint32(), m.top())),
  letter('h', (m, r) => recall(m, r.uint8())),
  letter('j', (m, r) => recall(m, r.uint32())),
  // Names, and what is made of them.
  letter('c', (m) => m.global()),
  letter('R', (m) => m.call()),
  [0x81, (m) => m.call()],
  letter('b', (m) => m.build()),
  letter('Q', (m) => m.push(m.host.persistent(m.pop()))),
]);

function letter(name: string, run: Instruction): [number, Instruction] {
  return [name.charCodeAt(0), run];
}

function checkProtocol(machine: Machine, protocol: number): void {
  if (protocol !== 2)
    throw machine.corrupt(`protocol ${protocol}, torch.save writes 2`);
}

function recall(machine: Machine, index: number): void {
  if (!machine.memo.has(index)) throw machine.corrupt(`no memo ${index}`);
  machine.push(machine.memo.get(index));
}
