// Original file: proto/rrd/v1/memory_bank.proto


export interface GetQueueRequest {
  'queue'?: (string);
}

export interface GetQueueRequest__Output {
  'queue': (string);
}
