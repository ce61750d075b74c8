import { InvalidRequestError } from '#runtime/errors.js';
import type { Handlers } from '#runtime/rpc/server.js';
import type { GroupDoor } from '../group/door.js';

type Collective = Handlers<'rrd.v1.CollectiveService'>;

/** A worker offers itself to the chief of a run that is held here. */
export function join(door: GroupDoor): Collective['join'] {
  return async function* (requests, { signal }) {
    const { first, rest } = await opened(requests);
    const hello = first?.hello;
    if (!hello) throw missing('hello');
    yield* door.join(hello, rest, signal);
  };
}

/** Parts of steps between two workers of a run. */
export function exchange(door: GroupDoor): Collective['exchange'] {
  return async function* (requests, { signal }) {
    const { first, rest } = await opened(requests);
    const header = first?.header;
    if (!header) throw missing('header');
    yield* door.exchange(header, rest, signal);
  };
}

/** The first message of a stream, and the stream behind it. */
async function opened<T>(messages: AsyncIterable<T>) {
  const iterator = messages[Symbol.asyncIterator]();
  const read = await iterator.next();
  const rest = { [Symbol.asyncIterator]: () => iterator };
  return { first: read.done ? undefined : read.value, rest };
}

function missing(field: string): InvalidRequestError {
  const expected = 'it in the first message of the stream';
  return new InvalidRequestError({ field, value: 'missing', expected });
}
