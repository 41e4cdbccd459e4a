/** The browser phone: one call, answered when wanted, registered for as long as it runs. */

import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BrowserPhone, type PhoneAgent } from "../src/phone/phone";

class FakeSession extends EventEmitter {
  readonly id: string;
  readonly remote_identity = { uri: { user: "+37126123456" } };
  answered: { mediaStream: unknown } | null = null;
  terminated: unknown[] = [];
  constructor(id: string) {
    super();
    this.id = id;
  }
  answer(options: { mediaStream: unknown }): void {
    this.answered = options;
  }
  terminate(options?: unknown): void {
    this.terminated.push(options);
    this.emit("ended");
  }
  mutes: string[] = [];
  mute(): void {
    this.mutes.push("mute");
  }
  unmute(): void {
    this.mutes.push("unmute");
  }
  isEnded(): boolean {
    return this.terminated.length > 0;
  }
}

class FakeAgent extends EventEmitter {
  registers = 0;
  connected = true;
  start(): void {
    this.emit("connected");
  }
  stop(): void {
    this.connected = false;
  }
  register(): void {
    this.registers += 1;
  }
  isConnected(): boolean {
    return this.connected;
  }
  ring(session: FakeSession): void {
    this.emit("newRTCSession", { originator: "remote", session });
  }
}

const SETTINGS = { uri: "sip:101@test", ws_url: "ws://test", username: "101", password: "x" };
const track = { stop: vi.fn(), addEventListener: vi.fn(), enabled: true };
const stream = { active: true, getTracks: () => [track], getAudioTracks: () => [track] };

let agent: FakeAgent;
let phone: BrowserPhone;
let getUserMedia: ReturnType<typeof vi.fn>;

beforeEach(() => {
  vi.useFakeTimers();
  agent = new FakeAgent();
  getUserMedia = vi.fn(() => Promise.resolve(stream));
  vi.stubGlobal("navigator", { mediaDevices: { getUserMedia } });
  phone = new BrowserPhone(SETTINGS, () => agent as unknown as PhoneAgent);
  phone.start();
});

afterEach(() => {
  phone.stop();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("registration", () => {
  it("is shown, and tried again after it was refused", () => {
    agent.emit("registered");
    expect(phone.getState().registration).toBe("registered");
    agent.emit("registrationFailed");
    expect(phone.getState().registration).toBe("failed");
    vi.advanceTimersByTime(5_000);
    expect(agent.registers).toBe(1);
  });

  it("is doubtful as soon as the connection is gone", () => {
    agent.emit("registered");
    agent.emit("disconnected");
    expect(phone.getState().registration).toBe("connecting");
  });
});

describe("microphone", () => {
  it("is asked for once and kept", async () => {
    await phone.prepare();
    await phone.prepare();
    expect(getUserMedia).toHaveBeenCalledOnce();
    expect(phone.getState().microphone).toBe("ok");
  });

  it.each([
    ["NotAllowedError", "denied"],
    ["NotFoundError", "missing"],
  ])("that ends in %s is %s", async (name, state) => {
    getUserMedia.mockRejectedValue(new DOMException("", name));
    await expect(phone.prepare()).rejects.toMatchObject({ state });
    expect(phone.getState().microphone).toBe(state);
  });

  it("cannot be had from a page that came over plain HTTP", async () => {
    vi.stubGlobal("navigator", {});
    await expect(phone.prepare()).rejects.toMatchObject({ state: "insecure" });
  });
});

describe("call", () => {
  it("rings, is answered with the open microphone, talks and ends", async () => {
    const session = new FakeSession("s1");
    agent.ring(session);
    expect(phone.getState().call).toEqual({ id: "s1", stage: "ringing", remote: "+37126123456" });
    await phone.answer();
    expect(session.answered?.mediaStream).toBe(stream);
    session.emit("confirmed");
    expect(phone.getState().call?.stage).toBe("talking");
    session.emit("ended");
    expect(phone.getState().call).toBeNull();
  });

  it("is answered by itself when Answer was pressed a moment before it rang", async () => {
    await phone.answer();
    const session = new FakeSession("s1");
    agent.ring(session);
    await vi.advanceTimersByTimeAsync(0);
    expect(session.answered).not.toBeNull();
  });

  it("is not answered by a press of long ago", async () => {
    await phone.answer();
    await vi.advanceTimersByTimeAsync(5_000);
    const session = new FakeSession("s1");
    agent.ring(session);
    await vi.advanceTimersByTimeAsync(0);
    expect(session.answered).toBeNull();
  });

  it("sends its answer with the first candidate that is not TCP", () => {
    const session = new FakeSession("s1");
    agent.ring(session);
    const ready = vi.fn();
    session.emit("icecandidate", { candidate: { protocol: "tcp" }, ready });
    expect(ready).not.toHaveBeenCalled();
    session.emit("icecandidate", { candidate: { protocol: "udp" }, ready });
    expect(ready).toHaveBeenCalledOnce();
  });

  it("keeps the line busy for a second one", () => {
    const first = new FakeSession("s1");
    const second = new FakeSession("s2");
    agent.ring(first);
    agent.ring(second);
    expect(second.terminated).toEqual([{ status_code: 486 }]);
    expect(phone.getState().call?.id).toBe("s1");
  });

  it("is ended from here", () => {
    const session = new FakeSession("s1");
    agent.ring(session);
    phone.hangUp();
    expect(session.terminated).toHaveLength(1);
    expect(phone.getState().call).toBeNull();
  });
});

describe("mute", () => {
  async function talk(): Promise<FakeSession> {
    const session = new FakeSession("s1");
    agent.ring(session);
    await phone.answer();
    session.emit("confirmed");
    return session;
  }

  it("silences our own microphone and opens it again", async () => {
    const session = await talk();
    phone.setMuted(true);
    expect([track.enabled, phone.getState().muted]).toEqual([false, true]);
    phone.setMuted(false);
    expect([track.enabled, phone.getState().muted]).toEqual([true, false]);
    expect(session.mutes).toEqual(["mute", "unmute"]);
  });

  it("ends with the call: the next caller hears us", async () => {
    const session = await talk();
    phone.setMuted(true);
    session.emit("ended");
    expect([track.enabled, phone.getState().muted]).toEqual([true, false]);
  });

  it("does nothing without a call", () => {
    phone.setMuted(true);
    expect(phone.getState().muted).toBe(false);
  });
});
