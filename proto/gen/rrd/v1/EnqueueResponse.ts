// Original file: proto/rrd/v1/memory_bank.proto


export interface EnqueueResponse {
  'duplicate'?: (boolean);
}

export interface EnqueueResponse__Output {
  'duplicate': (boolean);
}
