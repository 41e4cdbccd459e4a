/**
 * Judges from packet counters whether the other side can still be heard.
 *
 * Neither JsSIP nor the browser reports media that silently stopped: a firewall that forgot the
 * path leaves the call "connected" for ever. Pure: the caller samples, this decides.
 */

export type Media = "ok" | "silent" | "broken";

export interface MediaSample {
  /** Milliseconds of any steady clock. */
  at: number;
  /** RTP packets received since the call began. */
  packetsReceived: number;
  connection: RTCPeerConnectionState;
  /** While a call is on hold, nothing needs to arrive. */
  held: boolean;
}

/** Asterisk sends a packet each 20 ms; five seconds without any is no jitter. */
export const SILENCE_MAX_MS = 5_000;

export class MediaWatch {
  private lastPackets = 0;
  private lastHeardAt: number | null = null;

  judge(sample: MediaSample): Media {
    const fresh = sample.packetsReceived !== this.lastPackets;
    if (fresh || sample.held || this.lastHeardAt === null) this.lastHeardAt = sample.at;
    this.lastPackets = sample.packetsReceived;
    if (sample.connection === "failed" || sample.connection === "closed") return "broken";
    return sample.at - this.lastHeardAt >= SILENCE_MAX_MS ? "silent" : "ok";
  }
}
