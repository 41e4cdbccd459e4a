/** Short messages about what was refused; a store, so that code outside of React can speak too. */

export interface Toast {
  id: number;
  tone: "error" | "info";
  text: string;
}

/** Long enough to read a sentence twice. */
const SHOWN_MS = 8_000;
/** More at once nobody reads; the oldest goes. */
const TOASTS_MAX = 4;

export class ToastStore {
  private toasts: readonly Toast[] = [];
  private readonly listeners = new Set<() => void>();
  private nextId = 1;

  readonly getToasts = (): readonly Toast[] => this.toasts;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  show(tone: Toast["tone"], text: string): void {
    const toast = { id: this.nextId, tone, text };
    this.nextId += 1;
    const others = this.toasts.filter((known) => known.text !== text);
    this.publish([...others, toast].slice(-TOASTS_MAX));
    window.setTimeout(() => this.dismiss(toast.id), SHOWN_MS);
  }

  dismiss(id: number): void {
    this.publish(this.toasts.filter((toast) => toast.id !== id));
  }

  private publish(toasts: readonly Toast[]): void {
    this.toasts = toasts;
    this.listeners.forEach((listener) => listener());
  }
}
