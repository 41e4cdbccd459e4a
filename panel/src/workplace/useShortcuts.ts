/**
 * Function keys: the same on Latvian, Russian and English layouts, and usable while writing.
 * Letters are not used, for they would be typed into the notes.
 */

import { useEffect, useRef } from "react";

export type Shortcuts = Partial<Record<string, () => void>>;

function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLTextAreaElement || target instanceof HTMLInputElement;
}

function isDialogOpen(): boolean {
  return document.querySelector("dialog[open]") !== null;
}

/** Calls the shortcut named by `KeyboardEvent.key`, with "Shift+" before it for function keys; a key held down counts once. */
export function useShortcuts(shortcuts: Shortcuts, enabled: boolean): void {
  const current = useRef(shortcuts);
  useEffect(() => {
    current.current = shortcuts;
  });
  useEffect(() => {
    if (!enabled) return undefined;
    const press = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const name = event.key === "?" && !isWriting(event.target) ? "F1" : event.key;
      const key = event.shiftKey && /^F\d/.test(name) ? `Shift+${name}` : name;
      const shortcut = current.current[key];
      if (!shortcut) return;
      // Escape belongs to an open window or menu first.
      if (key === "Escape" && (event.defaultPrevented || isDialogOpen())) return;
      // Enter belongs to whatever has the focus; alone it answers.
      if (key === "Enter" && event.target !== document.body) return;
      event.preventDefault();
      if (!event.repeat && (!isDialogOpen() || key === "F2")) shortcut();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [enabled]);
}
