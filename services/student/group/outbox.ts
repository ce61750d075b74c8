import { Notifier } from '#runtime/bus/notifier.js';

/**
 * Messages on their way to one reader. What bounds it is what its writer may
 * say before it has to wait for an answer: parts of two steps, one state.
 */
export class Outbox<Message> {
  readonly #messages: Message[] = [];
  readonly #notifier = new Notifier();
  #end: { readonly error: Error | undefined } | undefined;

  push(message: Message): void {
    if (this.#end) return;
    this.#messages.push(message);
    this.#notifier.notify();
  }

  /** No more messages; the reader gets the rest, or the error at once. */
  end(error?: Error): void {
    this.#end ??= { error };
    this.#notifier.notify();
  }

  /** Until the end, or until `signal` aborts. */
  async *read(signal: AbortSignal): AsyncGenerator<Message> {
    while (!signal.aborted) {
      if (this.#end?.error) throw this.#end.error;
      const message = this.#messages.shift();
      if (message !== undefined) yield message;
      else if (this.#end) return;
      else await this.#notifier.wait(signal);
    }
  }
}
