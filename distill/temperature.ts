/** Softmax temperatures of the two sides of RRD: lower is sharper. */
export interface Temperatures {
  readonly studentTemperature: number;
  readonly teacherTemperature: number;
}

/**
 * The sources disagree, so each is a named preset and none is a default:
 * `paper` (v5: the student is the sharper side), `v2024` (the code that the
 * published 2024 table belongs to), `cli` (the defaults of the reference's
 * command line since 2025).
 */
export const presets = {
  paper: { studentTemperature: 0.02, teacherTemperature: 0.1 },
  v2024: { studentTemperature: 0.04, teacherTemperature: 0.1 },
  cli: { studentTemperature: 0.1, teacherTemperature: 0.02 },
} as const satisfies Record<string, Temperatures>;

export type Preset = keyof typeof presets;
