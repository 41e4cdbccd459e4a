/** The sound of an offer, made by WebAudio: no file to load, nothing that a policy could block. */

const TONE_HZ = [660, 880] as const;
const TONE_S = 0.18;
const PERIOD_MS = 2_000;
const VOLUME = 0.18;
const MUTED_KEY = "ccserver.ringer-muted";

export class Ringer {
  private context: AudioContext | null = null;
  private timer: number | undefined;
  private silenced = localStorage.getItem(MUTED_KEY) === "1";

  /** Browsers allow sound only after a key press or a click: call this from one. */
  readonly unlock = (): void => {
    try {
      this.context ??= new AudioContext();
    } catch {
      return; // No sound on this machine: the offer on screen must be enough, answering must work.
    }
    if (this.context.state === "suspended") void this.context.resume();
  };

  get muted(): boolean {
    return this.silenced;
  }

  setMuted(muted: boolean): void {
    this.silenced = muted;
    localStorage.setItem(MUTED_KEY, muted ? "1" : "0");
  }

  /** Sounds a single time, e.g. for a text. */
  once(): void {
    if (this.timer === undefined) this.ring();
  }

  start(): void {
    if (this.timer !== undefined) return;
    this.ring();
    this.timer = window.setInterval(() => this.ring(), PERIOD_MS);
  }

  stop(): void {
    window.clearInterval(this.timer);
    this.timer = undefined;
  }

  close(): void {
    this.stop();
    void this.context?.close();
    this.context = null;
  }

  private ring(): void {
    const { context } = this;
    if (this.silenced || context?.state !== "running") return;
    for (let beat = 0; beat < 4; beat += 1) {
      const start = context.currentTime + beat * (TONE_S + 0.04);
      this.beep(context, TONE_HZ[beat % 2] ?? TONE_HZ[0], start);
    }
  }

  private beep(context: AudioContext, frequency: number, start: number): void {
    const tone = context.createOscillator();
    const gain = context.createGain();
    tone.frequency.value = frequency;
    // Ramps instead of steps: a hard edge clicks in the headset.
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(VOLUME, start + 0.02);
    gain.gain.setValueAtTime(VOLUME, start + TONE_S - 0.03);
    gain.gain.linearRampToValueAtTime(0, start + TONE_S);
    tone.connect(gain).connect(context.destination);
    tone.start(start);
    tone.stop(start + TONE_S);
  }
}
