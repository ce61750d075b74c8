// Original file: proto/rrd/v1/memory_bank.proto


export interface GatherRowsRequest {
  'queue'?: (string);
  'slots'?: (number)[];
}

export interface GatherRowsRequest__Output {
  'queue': (string);
  'slots': (number)[];
}
