// Original file: proto/rrd/v1/collective.proto

export const StepPartKind = {
  STEP_PART_KIND_UNSPECIFIED: 'STEP_PART_KIND_UNSPECIFIED',
  STEP_PART_KIND_VECTOR: 'STEP_PART_KIND_VECTOR',
  STEP_PART_KIND_MEAN: 'STEP_PART_KIND_MEAN',
  STEP_PART_KIND_BUFFERS: 'STEP_PART_KIND_BUFFERS',
} as const;

export type StepPartKind =
  | 'STEP_PART_KIND_UNSPECIFIED'
  | 0
  | 'STEP_PART_KIND_VECTOR'
  | 1
  | 'STEP_PART_KIND_MEAN'
  | 2
  | 'STEP_PART_KIND_BUFFERS'
  | 3

export type StepPartKind__Output = typeof StepPartKind[keyof typeof StepPartKind]
