/** Rings while somebody has to look at something new. */

import { useEffect, useState } from "react";
import { Ringer } from "../phone/ringer";

export interface Alert {
  muted: boolean;
  setMuted: (muted: boolean) => void;
}

export function useAlert(unread: number): Alert {
  const [ringer] = useState(() => new Ringer());
  const [muted, setMuted] = useState(ringer.muted);
  useEffect(() => {
    window.addEventListener("pointerdown", ringer.unlock);
    window.addEventListener("keydown", ringer.unlock);
    return () => {
      window.removeEventListener("pointerdown", ringer.unlock);
      window.removeEventListener("keydown", ringer.unlock);
      ringer.close();
    };
  }, [ringer]);
  useEffect(() => {
    if (unread > 0) ringer.start();
    else ringer.stop();
  }, [ringer, unread]);
  useEffect(() => {
    if (unread === 0) return undefined;
    // A desk in another tab or behind another window sees it in the title.
    const before = document.title;
    document.title = `(${unread}) ${before}`;
    return () => {
      document.title = before;
    };
  }, [unread]);
  return {
    muted,
    setMuted: (wanted) => {
      ringer.setMuted(wanted);
      setMuted(wanted);
    },
  };
}
