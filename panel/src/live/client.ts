/**
 * The live connection: one WebSocket that resumes where it broke off.
 *
 * It says hello with the epoch and the sequence number of the last message it has seen, watches
 * that the server keeps talking, and comes back with growing pauses for as long as it is wanted.
 */

import { decodeMessage } from "../api/decode";
import type { ContactMsg, ServerMessage } from "../api/types";
import type { ServiceMessage } from "../services/types";
import { ServerClock } from "./clock";
import { EMPTY, reduce, type LiveState } from "./state";

/** "replaced": newer windows of the same account took this one's place; it stays away. */
export type Connection = "connecting" | "live" | "reconnecting" | "replaced";

/** The server pings every 10 s; two and a half missed ones mean a dead link. */
const SILENCE_MAX_MS = 25_000;
/** From opening the socket to the first message; a server that is slower is as good as away. */
const FIRST_MESSAGE_TIMEOUT_MS = 8_000;
const RETRY_FIRST_MS = 300;
/** Call takers cannot wait long for the list to come back; the server bears one try in 5 s each. */
const RETRY_MAX_MS = 5_000;
/**
 * At ten calls a second a hundred messages arrive, and to redraw for each of them takes longer than
 * they take to arrive. What concerns colleagues and other callers is then shown in such steps.
 */
const REDRAW_STEP_MS = 100;
/** The server's code for "the session is over". */
const CLOSE_SESSION_OVER = 4401;
/** The server's code for "too many windows of this account; do not come back". */
const CLOSE_REPLACED = 4409;

export interface LiveOptions {
  url: string;
  clock?: ServerClock;
  /** The session is over, or may be: the connection was refused before it opened. */
  onSessionDoubt: (certain: boolean) => void;
  createSocket?: (url: string) => WebSocket;
  random?: () => number;
}

/** What concerns services; null means that any of it may have changed. */
type ServiceListener = (message: ServiceMessage | null) => void;
type CardListener = (incidentId: string | null) => void;
/** A conversation by the incident of its card; null means that any may have changed. */
type ConversationListener = (incidentId: string | null) => void;

function concerns(contact: ContactMsg, agentId: string): boolean {
  return contact.agent_id === agentId || contact.participants.includes(agentId);
}

/** Holds the live state and tells listeners of every change. */
export class LiveClient {
  readonly clock: ServerClock;
  private readonly options: LiveOptions;
  private readonly listeners = new Set<() => void>();
  private readonly cardListeners = new Set<CardListener>();
  private readonly serviceListeners = new Set<ServiceListener>();
  private readonly conversationListeners = new Set<ConversationListener>();
  private state: LiveState = EMPTY;
  private connection: Connection = "connecting";
  private socket: WebSocket | null = null;
  private timer: number | undefined;
  private attempts = 0;
  private wanted = false;
  private redrawTimer: number | undefined;
  private redrawDue = false;

  constructor(options: LiveOptions) {
    this.options = options;
    this.clock = options.clock ?? new ServerClock();
  }

  readonly getState = (): LiveState => this.state;
  readonly getConnection = (): Connection => this.connection;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Tells of changed cards by incident id; null means that any of them may have changed. */
  readonly onCard = (listener: CardListener): (() => void) => {
    this.cardListeners.add(listener);
    return () => this.cardListeners.delete(listener);
  };

  /** Tells of involvements and units as they change. */
  readonly onService = (listener: ServiceListener): (() => void) => {
    this.serviceListeners.add(listener);
    return () => this.serviceListeners.delete(listener);
  };

  /** Tells that there is something new in a conversation. */
  readonly onConversation = (listener: ConversationListener): (() => void) => {
    this.conversationListeners.add(listener);
    return () => this.conversationListeners.delete(listener);
  };

  start(): void {
    if (this.wanted) return;
    this.wanted = true;
    window.addEventListener("online", this.retryNow);
    this.open();
  }

  stop(): void {
    this.wanted = false;
    window.removeEventListener("online", this.retryNow);
    window.clearTimeout(this.timer);
    window.clearTimeout(this.redrawTimer);
    this.redrawTimer = undefined;
    this.drop();
  }

  /** Puts a read notice away, on this screen only. */
  acknowledge(noticeId: string): void {
    const notices = this.state.notices.filter((notice) => notice.id !== noticeId);
    this.state = { ...this.state, notices };
    this.notify();
  }

  /** Tries at once instead of after the pause, e.g. after a new login. */
  readonly retryNow = (): void => {
    if (!this.wanted || this.connection === "live" || this.connection === "replaced") return;
    window.clearTimeout(this.timer);
    this.drop();
    this.attempts = 0;
    this.open();
  };

  private open(): void {
    const create = this.options.createSocket ?? ((url: string) => new WebSocket(url));
    const socket = create(this.options.url);
    this.socket = socket;
    let opened = false;
    this.watch(FIRST_MESSAGE_TIMEOUT_MS);
    socket.onopen = () => {
      opened = true;
      const { epoch, seq } = this.state;
      socket.send(JSON.stringify({ type: "hello", epoch, seq }));
    };
    socket.onmessage = (event: MessageEvent<unknown>) => {
      this.receive(event.data);
    };
    socket.onclose = (event: CloseEvent) => {
      // A refused upgrade shows as a close without an open; only an HTTP request can say why.
      const over = event.code === CLOSE_SESSION_OVER;
      if (over || !opened) this.options.onSessionDoubt(over);
      if (over) this.pause("reconnecting");
      else if (event.code === CLOSE_REPLACED) this.pause("replaced");
      else this.lost();
    };
  }

  private receive(data: unknown): void {
    let message: ServerMessage;
    try {
      message = decodeMessage(JSON.parse(String(data)));
    } catch {
      return; // Not from our server; silence is watched for, so nothing else needs doing.
    }
    this.watch(SILENCE_MAX_MS);
    if (message.type === "ping") {
      this.clock.observe(message.server_time);
      this.socket?.send(JSON.stringify({ type: "pong" }));
    }
    if (message.type === "snapshot") this.clock.observe(message.server_time);
    const before = this.state;
    this.state = reduce(before, message);
    if (message.type === "snapshot" || message.type === "resumed") {
      this.attempts = 0;
      this.connection = "live";
      this.cardListeners.forEach((listener) => listener(null));
      this.serviceListeners.forEach((listener) => listener(null));
      this.conversationListeners.forEach((listener) => listener(null));
      this.notify();
    } else if (this.isOurs(message, before)) {
      this.notify();
    } else if (this.state !== before) {
      this.notifySoon();
    }
    if (message.type === "card") {
      const { incident_id } = message;
      this.cardListeners.forEach((listener) => listener(incident_id));
    }
    if (message.type === "involvement") {
      // A service's desk is told of its incidents by this message alone.
      const { incident_id } = message.involvement;
      this.cardListeners.forEach((listener) => listener(incident_id));
    }
    if (message.type === "conversation") {
      const { incident_id } = message;
      this.conversationListeners.forEach((listener) => listener(incident_id));
    }
    if (message.type === "involvement" || message.type === "unit") {
      this.serviceListeners.forEach((listener) => listener(message));
    }
  }

  private watch(timeoutMs: number): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.lost(), timeoutMs);
  }

  /** Waits until `retryNow` is called, e.g. after a login. */
  private pause(connection: Connection): void {
    window.clearTimeout(this.timer);
    this.drop();
    this.connection = connection;
    this.notify();
  }

  private lost(): void {
    this.drop();
    if (!this.wanted) return;
    const first = this.connection !== "reconnecting";
    this.connection = "reconnecting";
    const pause = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** this.attempts);
    this.attempts += 1;
    // Half of the pause is random: after a restart not all panels knock at the same moment.
    const jitter = 0.5 + (this.options.random ?? Math.random)() / 2;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.open(), pause * jitter);
    if (first) this.notify();
  }

  private drop(): void {
    const { socket } = this;
    this.socket = null;
    if (socket === null) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  /** What our own seat rings and talks with is never held up. */
  private isOurs(message: ServerMessage, before: LiveState): boolean {
    const { state } = this;
    if (state.offer !== before.offer || state.textOffer !== before.textOffer) return true;
    if (state.agentId === null) return false;
    if (message.type === "agent") return message.agent.agent_id === state.agentId;
    if (message.type === "contact" && concerns(message.contact, state.agentId)) return true;
    if (message.type !== "contact" && message.type !== "contact_gone") return false;
    const contactId = message.type === "contact" ? message.contact.contact_id : message.contact_id;
    const known = before.contacts[contactId];
    return known !== undefined && concerns(known, state.agentId);
  }

  private notify(): void {
    this.redrawDue = false;
    this.listeners.forEach((listener) => listener());
  }

  /** At once after a quiet moment, later ones together at the end of the step. */
  private notifySoon(): void {
    if (this.redrawTimer !== undefined) {
      this.redrawDue = true;
      return;
    }
    this.notify();
    this.redrawTimer = window.setTimeout(() => {
      this.redrawTimer = undefined;
      if (this.redrawDue) this.notifySoon();
    }, REDRAW_STEP_MS);
  }
}
