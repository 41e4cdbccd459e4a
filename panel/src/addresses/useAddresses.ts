import { useEffect, useState } from "react";
import { searchAddresses, type Address, type MapPoint } from "../api/addresses";
import { ApiError } from "../api/http";

/** Short: the server answers within a blink, and a call taker types while somebody speaks. */
export const SEARCH_PAUSE_MS = 120;
const RETRY_MS = 3_000;
const SHOWN_MAX = 10;
const LETTERS_MIN = 2;

/** `not_loaded`: there is no register at all. `failed`: this search did not succeed; tried again by itself. */
export type SearchFault = "not_loaded" | "failed";

export interface AddressesFound {
  addresses: readonly Address[];
  fault: SearchFault | null;
  /** Whether `addresses` answers what is typed now; older ones may stand meanwhile, for the eye. */
  current: boolean;
}

interface Answer {
  question: string | null;
  addresses: readonly Address[];
  fault: SearchFault | null;
}

/** Whether there is enough to look for: two letters of any script, or a code or postcode. */
export function isSearchable(text: string): boolean {
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  return letters >= LETTERS_MIN || /^\s*\d{9}\s*$/.test(text);
}

function faultOf(error: unknown): SearchFault {
  return error instanceof ApiError && error.code === "no_addresses" ? "not_loaded" : "failed";
}

/** Addresses for what is typed, once typing pauses. `asking` false: nothing is asked. */
export function useAddresses(typed: string, near: MapPoint | null, asking: boolean): AddressesFound {
  const [answer, setAnswer] = useState<Answer>({ question: null, addresses: [], fault: null });
  const text = typed.trim();
  // A caller's position moves by metres with each message; that is no new question.
  const lat = near === null ? null : Number(near.lat.toFixed(3));
  const lon = near === null ? null : Number(near.lon.toFixed(3));
  const question = asking && isSearchable(text) ? JSON.stringify([text, lat, lon]) : null;

  useEffect(() => {
    if (question === null) return undefined;
    const abort = new AbortController();
    const [wanted, ...at] = JSON.parse(question) as [string, number | null, number | null];
    const point = at[0] === null || at[1] === null ? null : { lat: at[0], lon: at[1] };
    let timer: number | undefined;
    const ask = async (): Promise<void> => {
      try {
        const addresses = await searchAddresses(wanted, point, SHOWN_MAX, abort.signal);
        setAnswer({ question, addresses, fault: null });
      } catch (error) {
        if (abort.signal.aborted) return;
        const fault = faultOf(error);
        setAnswer({ question, addresses: [], fault });
        if (fault === "failed") timer = window.setTimeout(() => void ask(), RETRY_MS);
      }
    };
    timer = window.setTimeout(() => void ask(), SEARCH_PAUSE_MS);
    return () => {
      abort.abort();
      window.clearTimeout(timer);
    };
  }, [question]);

  if (question === null) return { addresses: [], fault: null, current: true };
  return { addresses: answer.addresses, fault: answer.fault, current: answer.question === question };
}
