/** A source of random numbers that is a pure function of its key. */
export interface Rng {
  /** The next double in [0, 1). */
  uniform(): number;
  /** The next draw of the standard normal distribution. */
  normal(): number;
  /** The next integer in [0, bound). */
  integer(bound: number): number;
}
