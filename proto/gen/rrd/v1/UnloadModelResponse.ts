// Original file: proto/rrd/v1/teacher.proto


export interface UnloadModelResponse {
  'unloaded'?: (boolean);
}

export interface UnloadModelResponse__Output {
  'unloaded': (boolean);
}
