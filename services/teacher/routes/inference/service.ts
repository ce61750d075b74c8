import type { ModelInferRequest__Output } from '#proto/inference/ModelInferRequest.js';
import { ModelNotFoundError } from '#runtime/errors.js';
import { inOrder } from '#runtime/rpc/in-order.js';
import type { Call, Handlers } from '#runtime/rpc/server.js';
import { packageVersion } from '#runtime/version.js';
import type { TeacherContext } from '../../context.js';
import { extract as extractOf } from '../extract.js';
import { failureOf } from '../stream-failure.js';
import { checkVersion, toExtractRequest } from './request.js';
import { toInferResponse } from './response.js';

/** The Open Inference Protocol: our own Extract for clients that know no rrd. */
export function inference(
  context: TeacherContext,
): Handlers<'inference.GRPCInferenceService'> {
  const extract = extractOf(context);
  const infer = async (request: ModelInferRequest__Output, call: Call) =>
    toInferResponse(request, await extract(toExtractRequest(request), call));
  return {
    serverLive: async () => ({ live: true }),
    serverReady: async () => ({ ready: true }),
    serverMetadata: async () => ({
      name: 'rrd',
      version: packageVersion(),
      extensions: ['rrd'],
    }),
    async modelReady({ name, version }) {
      checkVersion(version);
      try {
        await context.models.get(name);
        return { ready: true };
      } catch (error) {
        if (error instanceof ModelNotFoundError) return { ready: false };
        throw error;
      }
    },
    async modelMetadata({ name, version }) {
      checkVersion(version);
      const { description } = await context.models.get(name);
      const { featureDim, classCount, imageShape } = description;
      const tensor = (tensor: string, datatype: string, row: number[]) => ({
        ...{ name: tensor, datatype, shape: [-1, ...row] },
      });
      return {
        ...{ name, versions: ['1'], platform: 'rrd' },
        inputs: [tensor('images', 'UINT8', [...imageShape])],
        outputs: [
          tensor('features', 'FP32', [featureDim]),
          tensor('logits', 'FP32', [classCount]),
        ],
      };
    },
    modelInfer: infer,
    modelStreamInfer: (requests, call) =>
      inOrder(requests, context.config.streamCredits, async (request) => {
        try {
          return { inferResponse: await infer(request, call) };
        } catch (error) {
          const errorMessage = failureOf(error, call).message ?? '';
          return { errorMessage, inferResponse: { id: request.id } };
        }
      }),
  };
}
