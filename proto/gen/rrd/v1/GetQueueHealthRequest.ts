// Original file: proto/rrd/v1/memory_bank.proto


export interface GetQueueHealthRequest {
  'queue'?: (string);
}

export interface GetQueueHealthRequest__Output {
  'queue': (string);
}
