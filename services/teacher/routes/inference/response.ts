import type { ModelInferRequest__Output } from '#proto/inference/ModelInferRequest.js';
import type { ModelInferResponse } from '#proto/inference/ModelInferResponse.js';
import type { ExtractResponse } from '#proto/rrd/v1/ExtractResponse.js';
import { inferTensorOf, textOf } from '#runtime/rpc/infer-codec.js';

/** An answer of our own contract: raw, if the request's contents were. */
export function toInferResponse(
  request: ModelInferRequest__Output,
  response: ExtractResponse,
): ModelInferResponse {
  const typed = request.rawInputContents.length === 0;
  const { teacherDigest = '', features, logits, embeddings } = response;
  const { similarities } = response;
  const tensors = { features, logits, embeddings, similarities };
  const outputs = Object.entries(tensors).flatMap(([name, tensor]) =>
    tensor ? [inferTensorOf(name, tensor, typed)] : [],
  );
  return {
    modelName: request.modelName,
    modelVersion: '1',
    id: request.id,
    parameters: { rrd_teacher_digest: textOf(teacherDigest) },
    outputs: outputs.map(({ tensor }) => tensor),
    rawOutputContents: typed ? [] : outputs.map(({ raw }) => raw),
  };
}
