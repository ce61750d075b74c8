// Original file: proto/rrd/v1/teacher.proto

export const TeacherOutput = {
  TEACHER_OUTPUT_UNSPECIFIED: 'TEACHER_OUTPUT_UNSPECIFIED',
  TEACHER_OUTPUT_FEATURES: 'TEACHER_OUTPUT_FEATURES',
  TEACHER_OUTPUT_LOGITS: 'TEACHER_OUTPUT_LOGITS',
  TEACHER_OUTPUT_EMBEDDINGS: 'TEACHER_OUTPUT_EMBEDDINGS',
} as const;

export type TeacherOutput =
  | 'TEACHER_OUTPUT_UNSPECIFIED'
  | 0
  | 'TEACHER_OUTPUT_FEATURES'
  | 1
  | 'TEACHER_OUTPUT_LOGITS'
  | 2
  | 'TEACHER_OUTPUT_EMBEDDINGS'
  | 3

export type TeacherOutput__Output = typeof TeacherOutput[keyof typeof TeacherOutput]
