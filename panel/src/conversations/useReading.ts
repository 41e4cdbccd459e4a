/** Where in a conversation its reader is: what is new below, and how the list is moved. */

import { useCallback, useEffect, useLayoutEffect, useRef, useState, type RefObject } from "react";
import type { TextMessage } from "../api/conversations";
import { unreadAfter } from "./threads";

/** Nearer to the end than this a reader is at the end: a line of text, or half a pixel of rounding. */
const AT_END_PX = 40;

function atEnd({ scrollHeight, scrollTop, clientHeight }: HTMLElement): boolean {
  return scrollHeight - scrollTop - clientHeight < AT_END_PX;
}

export interface Reading {
  list: RefObject<HTMLDivElement | null>;
  /** New texts of the citizen below what is in sight. */
  unread: number;
  onScroll: () => void;
  toEnd: () => void;
}

/**
 * A new text scrolls in only under the eyes of somebody who reads the end; whoever reads further up
 * is left there, and told how many are new. `unsent`: how many texts of our own wait; to write one is
 * to be at the end. Older texts that are put on top move nothing in sight.
 */
export function useReading(messages: readonly TextMessage[], unsent: number): Reading {
  const list = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const before = useRef({ first: null as string | null, height: 0, unsent: 0 });
  const last = messages.at(-1)?.message_id ?? null;
  const [read, setRead] = useState(last);

  const toEnd = useCallback(() => {
    following.current = true;
    setRead(last);
    const element = list.current;
    if (element) element.scrollTop = element.scrollHeight;
  }, [last]);

  const first = messages[0]?.message_id ?? null;
  useLayoutEffect(() => {
    const element = list.current;
    if (element === null) return;
    const old = before.current;
    const grownOnTop = old.first !== null && first !== old.first && !following.current;
    if (grownOnTop) element.scrollTop += element.scrollHeight - old.height;
    else if (following.current || unsent > old.unsent) toEnd();
    before.current = { first, height: element.scrollHeight, unsent };
  }, [first, last, unsent, toEnd]);

  useEffect(() => {
    const element = list.current;
    // jsdom and old browsers lack it; without it a list that was hidden comes back at its beginning.
    if (element === null || typeof ResizeObserver === "undefined") return undefined;
    const observer = new ResizeObserver(() => {
      if (following.current) element.scrollTop = element.scrollHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const onScroll = (): void => {
    const element = list.current;
    // While a page covers the workplace the list has no height, and its place means nothing.
    if (element === null || element.clientHeight === 0) return;
    following.current = atEnd(element);
    if (following.current) setRead(last);
  };
  const unread = unreadAfter(messages, read);
  return { list, unread, onScroll, toEnd };
}
