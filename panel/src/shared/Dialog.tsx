/** A modal window by the browser's own `<dialog>`: focus stays inside, Escape closes. */

import { useEffect, useRef, type ReactNode } from "react";

interface Properties {
  title: string;
  onClose: () => void;
  testid: string;
  children: ReactNode;
}

export function Dialog({ title, onClose, testid, children }: Properties) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    if (element && !element.open) element.showModal();
  }, []);
  return (
    <dialog ref={dialog} className="dialog" aria-label={title} onClose={onClose} data-testid={testid}>
      <h2>{title}</h2>
      {children}
    </dialog>
  );
}
