import type { Rng } from './rng.js';

/** Brightness between -1 and 1 at a place, where one period is 2 pi. */
type Pattern = (x: number, y: number, slant: number) => number;

/** Patterns that mirroring leaves what they are. */
const patterns = {
  bars: (_x, y) => Math.sin(y),
  posts: (x) => Math.sin(x),
  slants: (x, y, slant) => Math.sin((y + slant * x) * Math.SQRT1_2),
  checks: (x, y) => Math.sign(Math.sin(x) * Math.sin(y)),
} satisfies Record<string, Pattern>;

export type PatternName = keyof typeof patterns;
export const patternNames = Object.keys(patterns) as PatternName[];

/** A part of the picture with an outline and a surface of its own. */
interface Patch {
  readonly pattern: PatternName;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  /** 2 is a disc; above, corners grow towards a square. */
  readonly roundness: number;
  readonly colour: readonly number[];
  readonly contrast: number;
  readonly period: number;
  readonly phase: number;
  /** 1 or -1: which way `slants` lean. */
  readonly slant: number;
  /** Radians by which the pattern is off its own direction. */
  readonly turn: number;
}

/** Red, green and blue of every pixel, 0 to 1. */
type Canvas = Float64Array;

const roundnessOf = { disc: 2, square: 9 };

/**
 * Paints one picture: a shaded ground, clutter, a patterned disc and a
 * patterned square on opposite sides of the middle, uneven light, noise.
 * @returns uint8 [side, side, 3]
 */
export function paintScene(
  disc: PatternName,
  square: PatternName,
  side: number,
  rng: Rng,
): Uint8Array {
  const canvas = paintGround(side, rng);
  for (let piece = 1 + rng.integer(4); piece > 0; piece--) {
    const pattern = patternNames[rng.integer(patternNames.length)]!;
    const roundness =
      rng.integer(2) === 0 ? roundnessOf.disc : roundnessOf.square;
    const [x, y] = [side * rng.uniform(), side * rng.uniform()];
    const place = { x, y, radius: 1.2 + 1.6 * rng.uniform(), roundness };
    paint(canvas, side, drawPatch(pattern, place, rng));
  }
  const angle = 2 * Math.PI * rng.uniform();
  for (const [pattern, sign, shape] of [
    [disc, 1, 'disc'],
    [square, -1, 'square'],
  ] as const) {
    const radius = 5 + 1.6 * rng.uniform();
    const distance = sign * (8.5 + rng.uniform());
    const x = side / 2 + distance * Math.cos(angle) + rng.uniform() - 0.5;
    const y = side / 2 + distance * Math.sin(angle) + rng.uniform() - 0.5;
    const place = { x, y, radius, roundness: roundnessOf[shape] };
    paint(canvas, side, drawPatch(pattern, place, rng));
  }
  return expose(canvas, rng);
}

function drawPatch(
  pattern: PatternName,
  place: Pick<Patch, 'x' | 'y' | 'radius' | 'roundness'>,
  rng: Rng,
): Patch {
  return {
    ...place,
    pattern,
    colour: [0, 1, 2].map(() => 0.25 + 0.5 * rng.uniform()),
    contrast: 0.12 + 0.2 * rng.uniform(),
    period: 3 + 2.5 * rng.uniform(),
    phase: 2 * Math.PI * rng.uniform(),
    slant: rng.integer(2) === 0 ? 1 : -1,
    turn: 0.4 * (rng.uniform() - 0.5),
  };
}

/** One colour that goes over into another. */
function paintGround(side: number, rng: Rng): Canvas {
  const canvas = new Float64Array(side * side * 3);
  const colour = () => 0.2 + 0.6 * rng.uniform();
  const ends = [0, 1, 2].map(() => [colour(), colour()] as const);
  const angle = 2 * Math.PI * rng.uniform();
  const [dx, dy] = [Math.cos(angle) / side, Math.sin(angle) / side];
  for (let i = 0; i < side * side; i++) {
    const x = (i % side) - side / 2;
    const y = Math.floor(i / side) - side / 2;
    const share = 0.5 + 0.7 * (dx * x + dy * y);
    for (const [channel, [from, to]] of ends.entries()) {
      canvas[3 * i + channel] = from + share * (to - from);
    }
  }
  return canvas;
}

function paint(canvas: Canvas, side: number, patch: Patch): void {
  const { radius, roundness, colour, contrast } = patch;
  const first = (centre: number) =>
    Math.max(0, Math.floor(centre - radius - 1));
  const last = (centre: number) =>
    Math.min(side - 1, Math.ceil(centre + radius + 1));
  for (let y = first(patch.y); y <= last(patch.y); y++) {
    for (let x = first(patch.x); x <= last(patch.x); x++) {
      const dx = Math.abs(x - patch.x) / radius;
      const dy = Math.abs(y - patch.y) / radius;
      const distance = (dx ** roundness + dy ** roundness) ** (1 / roundness);
      const share = Math.min(1, Math.max(0, 0.5 + (1 - distance) * radius));
      if (share === 0) continue;
      const wave = contrast * patternAt(patch, x, y);
      const start = 3 * (y * side + x);
      for (const [channel, value] of colour.entries()) {
        canvas[start + channel]! +=
          share * (value + wave - canvas[start + channel]!);
      }
    }
  }
}

function patternAt(patch: Patch, x: number, y: number): number {
  const frequency = (2 * Math.PI) / patch.period;
  const [cos, sin] = [Math.cos(patch.turn), Math.sin(patch.turn)];
  return patterns[patch.pattern](
    frequency * (cos * x + sin * y) + patch.phase,
    frequency * (cos * y - sin * x) + patch.phase,
    patch.slant,
  );
}

/** Light from one side and grain, then bytes. */
function expose(canvas: Canvas, rng: Rng): Uint8Array {
  const side = Math.sqrt(canvas.length / 3);
  const gain = 0.75 + 0.5 * rng.uniform();
  const [right, down] = [rng.uniform() - 0.5, rng.uniform() - 0.5];
  const pixels = new Uint8Array(canvas.length);
  for (let i = 0; i < side * side; i++) {
    const x = (i % side) / side - 0.5;
    const y = Math.floor(i / side) / side - 0.5;
    const light = gain + 0.5 * (right * x + down * y);
    const grain = 0.16 * (rng.uniform() - 0.5);
    for (let channel = 3 * i; channel < 3 * i + 3; channel++) {
      const value = canvas[channel]! * light + grain;
      pixels[channel] = Math.round(255 * Math.min(1, Math.max(0, value)));
    }
  }
  return pixels;
}
