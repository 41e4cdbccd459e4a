/** What can cover the workplace, by right. */

import type { Rights } from "../api/types";

export type Page = "live" | "desk" | "routing" | "catalogue" | "messaging" | "people";

export function pagesFor(rights: Rights): Page[] {
  const all: [Page, boolean][] = [
    ["live", rights.supervise],
    ["desk", rights.desk],
    ["routing", rights.routing],
    ["catalogue", rights.catalogue],
    ["messaging", rights.catalogue],
    ["people", rights.people],
  ];
  return all.filter(([, allowed]) => allowed).map(([page]) => page);
}
