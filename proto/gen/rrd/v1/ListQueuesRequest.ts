// Original file: proto/rrd/v1/memory_bank.proto


export interface ListQueuesRequest {
}

export interface ListQueuesRequest__Output {
}
