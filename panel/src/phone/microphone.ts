/** The microphone: asked for once when the call taker goes ready, then kept open for the shift. */

export type MicrophoneState = "off" | "ok" | "denied" | "missing" | "insecure" | "ended";

/** Why a call taker cannot be heard; `state` names it for translation. */
export class MicrophoneError extends Error {
  override readonly name = "MicrophoneError";
  readonly state: MicrophoneState;

  constructor(state: MicrophoneState) {
    super(state);
    this.state = state;
  }
}

const CONSTRAINTS: MediaStreamConstraints = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  video: false,
};

function stateOf(error: unknown): MicrophoneState {
  const name = error instanceof DOMException ? error.name : "";
  return name === "NotAllowedError" || name === "SecurityError" ? "denied" : "missing";
}

/** True where the browser gives no microphone at all: a page that came over plain HTTP. */
function isInsecure(): boolean {
  return (navigator as { mediaDevices?: MediaDevices }).mediaDevices === undefined;
}

export class Microphone {
  private readonly changed: (state: MicrophoneState) => void;
  private stream: MediaStream | null = null;
  private pending: Promise<MediaStream> | null = null;

  constructor(changed: (state: MicrophoneState) => void) {
    this.changed = changed;
  }

  /** The open stream; asks for permission if need be. Throws `MicrophoneError`. */
  open(): Promise<MediaStream> {
    if (this.stream?.active) return Promise.resolve(this.stream);
    this.pending ??= this.ask().finally(() => {
      this.pending = null;
    });
    return this.pending;
  }

  /** A muted track sends silence; the same stream serves the next call, so it must be opened again. */
  setMuted(muted: boolean): void {
    this.stream?.getAudioTracks().forEach((track) => {
      track.enabled = !muted;
    });
  }

  close(): void {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.changed("off");
  }

  private async ask(): Promise<MediaStream> {
    if (isInsecure()) throw this.fail("insecure");
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getUserMedia(CONSTRAINTS);
    } catch (error) {
      throw this.fail(stateOf(error));
    }
    stream.getAudioTracks().forEach((track) => {
      // The headset was unplugged: said at once, not discovered by a caller who hears nothing.
      track.addEventListener("ended", () => {
        if (this.stream === stream) this.changed("ended");
      });
    });
    this.stream = stream;
    this.changed("ok");
    return stream;
  }

  private fail(state: MicrophoneState): MicrophoneError {
    this.changed(state);
    return new MicrophoneError(state);
  }
}
