/** The catalogue of incident types, questions, hazards and services, as it is in force. */

import { request } from "./http";
import type { Catalogue } from "./types";

export const NO_CATALOGUE: Catalogue = {
  types: [],
  hazards: [],
  dispositions: [],
  services: [],
  refusal_reasons: [],
  delay_reasons: [],
};

export async function fetchCatalogue(signal: AbortSignal): Promise<Catalogue> {
  const answer = (await request("GET", "/api/catalogue", { signal })) as { catalogue: Partial<Catalogue> };
  return { ...NO_CATALOGUE, ...answer.catalogue };
}
