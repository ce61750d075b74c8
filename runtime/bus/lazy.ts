import type { Bus, JsonObject, Publisher } from './bus.js';

/**
 * A bus that is opened when something is first published, and again if that
 * failed: for services that go on without one.
 */
export class LazyBus implements Publisher {
  #bus: Promise<Bus> | undefined;

  constructor(private readonly open: () => Promise<Bus>) {}

  /** @throws what opening throws, and what `Bus.publish` does */
  async publish(
    subject: string,
    event: JsonObject,
    options?: { messageId?: string },
  ): Promise<void> {
    const opening = (this.#bus ??= this.open());
    const bus = await opening.catch((error: unknown) => {
      this.#bus = undefined;
      throw error;
    });
    await bus.publish(subject, event, options);
  }

  async close(): Promise<void> {
    const bus = await this.#bus?.catch(() => undefined);
    await bus?.close();
  }
}
