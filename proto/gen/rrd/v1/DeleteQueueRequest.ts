// Original file: proto/rrd/v1/memory_bank.proto


export interface DeleteQueueRequest {
  'queue'?: (string);
}

export interface DeleteQueueRequest__Output {
  'queue': (string);
}
