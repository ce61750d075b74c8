/**
 * Answers requests in their order, at most `limit` of them at a time: reads
 * ahead by so many and no further, also while nobody takes the answers.
 */
export async function* inOrder<Request, Answer>(
  requests: AsyncIterable<Request>,
  limit: number,
  answer: (request: Request) => Promise<Answer>,
): AsyncGenerator<Answer> {
  const iterator = requests[Symbol.asyncIterator]();
  const pending: Promise<Answer>[] = [];
  let reading: Promise<IteratorResult<Request>> | undefined;
  let ended = false;
  for (;;) {
    if (!ended && pending.length < limit) {
      reading = reading ?? iterator.next();
    }
    const [oldest] = pending;
    if (!oldest && !reading) return;
    const first = await Promise.race([
      ...(oldest ? [oldest.then((value) => ({ answer: value }))] : []),
      ...(reading ? [reading.then((read) => ({ read }))] : []),
    ]);
    if ('answer' in first) {
      void pending.shift();
      yield first.answer;
      continue;
    }
    reading = undefined;
    if (first.read.done) ended = true;
    else pending.push(handled(answer(first.read.value)));
  }
}

/** A failure is thrown when its turn comes; until then it is not lost. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
