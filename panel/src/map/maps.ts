/** Which map files the server has. */

import { useEffect, useState } from "react";
import { request } from "../api/http";
import type { MapFile } from "./types";

export async function fetchMaps(signal?: AbortSignal): Promise<readonly MapFile[]> {
  const answer = await request("GET", "/api/map", signal ? { signal } : {});
  return (answer as { maps?: readonly MapFile[] } | null)?.maps ?? [];
}

/** `null` until they are known; empty where there are none, or the server cannot say. */
export function useMaps(): readonly MapFile[] | null {
  const [maps, setMaps] = useState<readonly MapFile[] | null>(null);
  useEffect(() => {
    const leaving = new AbortController();
    fetchMaps(leaving.signal)
      .catch(() => [])
      .then((found) => {
        if (!leaving.signal.aborted) setMaps(found);
      })
      .catch(() => undefined);
    return () => leaving.abort();
  }, []);
  return maps;
}
