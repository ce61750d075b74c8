// Original file: proto/rrd/v1/run.proto

import type { Long } from '@grpc/proto-loader';

export interface RunProgress {
  'step'?: (number | string | Long);
  'totalSteps'?: (number | string | Long);
  'epoch'?: (number);
  'loss'?: (number | string);
  'lossTerms'?: ({[key: string]: number | string});
  'imagesPerSecond'?: (number | string);
  'learningRate'?: (number | string);
  'testAccuracy'?: (number | string);
  '_testAccuracy'?: "testAccuracy";
}

export interface RunProgress__Output {
  'step': (number);
  'totalSteps': (number);
  'epoch': (number);
  'loss': (number);
  'lossTerms': ({[key: string]: number});
  'imagesPerSecond': (number);
  'learningRate': (number);
  'testAccuracy'?: (number);
  '_testAccuracy'?: "testAccuracy";
}
