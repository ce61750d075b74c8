/** The messages, and undefined wherever none has come for `ms`. */
export async function* withSilences<T>(
  messages: AsyncGenerator<T>,
  ms: number,
): AsyncGenerator<T | undefined> {
  for (;;) {
    const coming = messages.next();
    // Its reader sees the failure; until then it is not lost.
    coming.catch(() => {});
    let read = await unlessSilent(coming, ms);
    for (; read === undefined; read = await unlessSilent(coming, ms))
      yield undefined;
    if (read.done) return;
    yield read.value;
  }
}

async function unlessSilent<T>(
  coming: Promise<T>,
  ms: number,
): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([coming, silence]);
  } finally {
    clearTimeout(timer);
  }
}
