import type { ExtractStreamRequest__Output } from '#proto/rrd/v1/ExtractStreamRequest.js';
import { InvalidRequestError } from '#runtime/errors.js';
import { inOrder } from '#runtime/rpc/in-order.js';
import type { Call, Handlers } from '#runtime/rpc/server.js';
import { contextOf, inSpan } from '#runtime/rpc/trace.js';
import type { TeacherContext } from '../context.js';
import { extract as extractOf } from './extract.js';
import { failureOf } from './stream-failure.js';

type ExtractStream = Handlers<'rrd.v1.TeacherService'>['extractStream'];

export function extractStream(context: TeacherContext): ExtractStream {
  const extract = extractOf(context);
  const { streamCredits: credits } = context.config;

  const answer = async (
    { request, traceparent, deadlineMs }: ExtractStreamRequest__Output,
    call: Call,
  ) => {
    if (!request) throw missing();
    const own = { ...call, deadlineMs: deadlineMs || Infinity };
    const parent = contextOf(traceparent);
    return inSpan('rrd.teacher.extract', parent, () => extract(request, own));
  };

  return async function* (requests, call) {
    yield { opened: { credits } };
    yield* inOrder(requests, credits, async (request) => {
      try {
        return { response: await answer(request, call) };
      } catch (error) {
        return { failure: failureOf(error, call) };
      }
    });
  };
}

function missing(): InvalidRequestError {
  const expected = 'the batch that is asked for';
  return new InvalidRequestError({
    ...{ field: 'request', value: 'missing', expected },
  });
}
