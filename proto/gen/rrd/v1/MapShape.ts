// Original file: proto/rrd/v1/teacher.proto


export interface MapShape {
  'height'?: (number);
  'width'?: (number);
  'channels'?: (number);
}

export interface MapShape__Output {
  'height': (number);
  'width': (number);
  'channels': (number);
}
