/** The server's clock as seen from this machine, whose own clock may be wrong by minutes. */

/** How many last samples count; a ping comes every 10 s, so this forgets a step within 80 s. */
const SAMPLES_MAX = 8;

/**
 * Offset of the server's clock to ours. A sample is late by the time the message travelled, so
 * the largest offset of the last samples is the one that travelled fastest and is nearest.
 */
export class ServerClock {
  private readonly local: () => number;
  private samples: number[] = [];

  constructor(local: () => number = Date.now) {
    this.local = local;
  }

  /** Learns from a message that carried the server's time; an unreadable time teaches nothing. */
  observe(serverTime: string): void {
    const server = Date.parse(serverTime);
    if (Number.isNaN(server)) return;
    this.samples = [...this.samples, server - this.local()].slice(-SAMPLES_MAX);
  }

  /** Milliseconds since 1970 on the server's clock. */
  now(): number {
    return this.local() + (this.samples.length === 0 ? 0 : Math.max(...this.samples));
  }
}
