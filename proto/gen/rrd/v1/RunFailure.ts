// Original file: proto/rrd/v1/run.proto


export interface RunFailure {
  'reason'?: (string);
  'message'?: (string);
  'metadata'?: ({[key: string]: string});
}

export interface RunFailure__Output {
  'reason': (string);
  'message': (string);
  'metadata': ({[key: string]: string});
}
