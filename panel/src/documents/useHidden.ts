import { useEffect, type RefObject } from "react";

/**
 * Calls `onHidden` when the page is put out of sight, as a call may do: a modal window left open
 * in it would keep the whole workplace from being clicked.
 */
export function useHidden(root: RefObject<HTMLElement | null>, onHidden: () => void): void {
  useEffect(() => {
    const page = root.current?.parentElement;
    if (!page) return undefined;
    const observer = new MutationObserver(() => {
      if (page.hidden) onHidden();
    });
    observer.observe(page, { attributes: true, attributeFilter: ["hidden"] });
    return () => observer.disconnect();
  }, [root, onHidden]);
}
