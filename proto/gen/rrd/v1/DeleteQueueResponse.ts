// Original file: proto/rrd/v1/memory_bank.proto


export interface DeleteQueueResponse {
  'deleted'?: (boolean);
}

export interface DeleteQueueResponse__Output {
  'deleted': (boolean);
}
