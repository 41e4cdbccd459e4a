/**
 * The browser as a telephone: registers at Asterisk by SIP over WebSocket and takes one call.
 *
 * The server decides who is rung and rings one call at a time, so whatever rings here belongs to
 * the offer on screen. A call that rings without an offer came by the parachute queue, while the
 * controller was away: it can be answered and ended all the same, by this phone alone.
 */

import { UA, WebSocketInterface } from "jssip";
import type { IncomingRTCSessionEvent, RTCSessionEvent } from "jssip/lib/UA";
import type { RTCSession } from "jssip/lib/RTCSession";
import type { PhoneSettings } from "../api/types";
import { MediaWatch, type Media } from "./media-watch";
import { Microphone, type MicrophoneState } from "./microphone";

export type Registration = "off" | "connecting" | "registered" | "failed";

export interface PhoneCall {
  id: string;
  stage: "ringing" | "answering" | "talking";
  /** The caller's number as the INVITE tells it. */
  remote: string | null;
}

export interface PhoneState {
  registration: Registration;
  microphone: MicrophoneState;
  call: PhoneCall | null;
  media: Media;
  /** Our microphone is muted in this call; a new call begins with an open one. */
  muted: boolean;
}

/** A registration that a dead link leaves behind is gone after this time. */
const REGISTER_EXPIRES_S = 60;
/** JsSIP does not repeat a refused registration; without this the seat would stay dark. */
const REGISTER_RETRY_MS = 5_000;
const RECONNECT_MAX_S = 5;
const STATS_INTERVAL_MS = 2_000;
/** The offer on screen may be a little ahead of the INVITE; longer than this it is not coming. */
const INVITE_WAIT_MS = 4_000;

/** Sums the audio packets received, whatever the number of streams. */
async function packetsReceived(connection: RTCPeerConnection): Promise<number> {
  let packets = 0;
  (await connection.getStats()).forEach((entry: { type: string; packetsReceived?: number }) => {
    if (entry.type === "inbound-rtp") packets += entry.packetsReceived ?? 0;
  });
  return packets;
}

/** The user agent as JsSIP makes it; tests put a fake in its place. */
export type PhoneAgent = Pick<UA, "on" | "start" | "stop" | "register" | "isConnected">;

function createAgent(settings: PhoneSettings): PhoneAgent {
  return new UA({
    sockets: [new WebSocketInterface(settings.ws_url)],
    uri: settings.uri,
    authorization_user: settings.username,
    password: settings.password,
    register: true,
    register_expires: REGISTER_EXPIRES_S,
    connection_recovery_min_interval: 1,
    connection_recovery_max_interval: RECONNECT_MAX_S,
    // Dead calls are ended by Asterisk's rtp_timeout; session timers would only add re-INVITEs.
    session_timers: false,
  });
}

export class BrowserPhone {
  private readonly agent: PhoneAgent;
  private readonly microphone: Microphone;
  private readonly audio = document.createElement("audio");
  private readonly listeners = new Set<() => void>();
  private state: PhoneState = {
    registration: "off",
    microphone: "off",
    call: null,
    media: "ok",
    muted: false,
  };
  private session: RTCSession | null = null;
  private answerWantedUntil = 0;
  private held = false;
  private statsTimer: number | undefined;
  private registerTimer: number | undefined;

  constructor(settings: PhoneSettings, create: (settings: PhoneSettings) => PhoneAgent = createAgent) {
    this.microphone = new Microphone((microphone) => this.set({ microphone }));
    this.audio.autoplay = true;
    this.audio.dataset.testid = "remote-audio";
    this.agent = create(settings);
    this.listen();
  }

  readonly getState = (): PhoneState => this.state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  start(): void {
    document.body.append(this.audio);
    this.set({ registration: "connecting" });
    this.agent.start();
  }

  /** Unregisters, ends a call, and gives the microphone back. */
  stop(): void {
    window.clearInterval(this.statsTimer);
    window.clearTimeout(this.registerTimer);
    this.agent.stop();
    this.microphone.close();
    this.audio.remove();
  }

  /** Asks for the microphone unless it is open; throws `MicrophoneError`. */
  async prepare(): Promise<void> {
    await this.microphone.open();
  }

  /** Answers what rings, or what will ring within the next seconds. Throws `MicrophoneError`. */
  async answer(): Promise<void> {
    this.answerWantedUntil = performance.now() + INVITE_WAIT_MS;
    const stream = await this.microphone.open();
    this.answerIfRinging(stream);
  }

  /** Ends or refuses the call without the server's help. */
  hangUp(): void {
    this.answerWantedUntil = 0;
    if (this.session && !this.session.isEnded()) this.session.terminate();
  }

  /** While the contact is on hold nothing needs to be heard. */
  setHeld(held: boolean): void {
    this.held = held;
  }

  /** Mutes our own microphone in the present call; without a call there is nothing to mute. */
  setMuted(muted: boolean): void {
    if (this.session === null || this.state.call?.stage !== "talking") return;
    // JsSIP keeps its own word of it, and sets the track by it when the far end holds and resumes.
    if (muted) this.session.mute({ audio: true });
    else this.session.unmute({ audio: true });
    this.microphone.setMuted(muted);
    this.set({ muted });
  }

  private listen(): void {
    this.agent.on("registered", () => this.set({ registration: "registered" }));
    this.agent.on("unregistered", () => this.set({ registration: "connecting" }));
    this.agent.on("disconnected", () => this.set({ registration: "connecting" }));
    this.agent.on("registrationFailed", () => {
      this.set({ registration: "failed" });
      window.clearTimeout(this.registerTimer);
      this.registerTimer = window.setTimeout(() => {
        if (this.agent.isConnected()) this.agent.register();
      }, REGISTER_RETRY_MS);
    });
    this.agent.on("newRTCSession", (event: RTCSessionEvent) => {
      if ((event.originator as string) === "remote") this.ring(event as IncomingRTCSessionEvent);
    });
  }

  private ring(event: IncomingRTCSessionEvent): void {
    const { session } = event;
    if (this.session !== null) {
      session.terminate({ status_code: 486 });
      return;
    }
    this.session = session;
    const user = session.remote_identity.uri.user as string | undefined;
    this.set({ call: { id: session.id, stage: "ringing", remote: user ?? null }, media: "ok" });
    session.on("peerconnection", ({ peerconnection }) => this.attach(session, peerconnection));
    session.on("icecandidate", ({ candidate, ready }) => {
      // Host candidates suffice towards our own server: waiting for the rest costs 150 ms and more.
      if (candidate.protocol !== "tcp") ready();
    });
    session.on("confirmed", () => this.stage(session, "talking"));
    session.on("ended", () => this.forget(session));
    session.on("failed", () => this.forget(session));
    if (performance.now() < this.answerWantedUntil) {
      void this.microphone.open().then((stream) => this.answerIfRinging(stream), () => undefined);
    }
  }

  private answerIfRinging(mediaStream: MediaStream): void {
    const { session } = this;
    if (session === null || this.state.call?.stage !== "ringing") return;
    this.answerWantedUntil = 0;
    this.stage(session, "answering");
    session.answer({ mediaStream, pcConfig: { iceServers: [] } });
  }

  private attach(session: RTCSession, connection: RTCPeerConnection): void {
    connection.addEventListener("track", (event) => {
      this.audio.srcObject = event.streams[0] ?? new MediaStream([event.track]);
    });
    const watch = new MediaWatch();
    const sample = async (): Promise<void> => {
      const packets = await packetsReceived(connection);
      if (this.session !== session || this.state.call?.stage !== "talking") return;
      const { connectionState } = connection;
      const { held } = this;
      const at = performance.now();
      this.set({ media: watch.judge({ at, packetsReceived: packets, connection: connectionState, held }) });
    };
    connection.addEventListener("connectionstatechange", () => void sample());
    window.clearInterval(this.statsTimer);
    this.statsTimer = window.setInterval(() => void sample(), STATS_INTERVAL_MS);
  }

  private stage(session: RTCSession, stage: PhoneCall["stage"]): void {
    if (this.session !== session || this.state.call === null) return;
    this.set({ call: { ...this.state.call, stage } });
  }

  private forget(session: RTCSession): void {
    if (this.session !== session) return;
    this.session = null;
    window.clearInterval(this.statsTimer);
    this.audio.srcObject = null;
    this.microphone.setMuted(false);
    this.set({ call: null, media: "ok", muted: false });
  }

  private set(change: Partial<PhoneState>): void {
    const next = { ...this.state, ...change };
    const keys = Object.keys(change) as (keyof PhoneState)[];
    if (keys.every((key) => next[key] === this.state[key])) return;
    this.state = next;
    this.listeners.forEach((listener) => listener());
  }
}
