/** How services and reasons are called: by the catalogue, else by their codes. */

import { useMemo } from "react";
import type { Catalogue, CatalogueItem } from "../api/types";
import { useCatalogue } from "../app/session";
import { currentLanguage } from "../i18n";

export interface Names {
  /** The services that can be sent, in the catalogue's order. */
  services: readonly string[];
  refusals: readonly string[];
  delays: readonly string[];
  service: (code: string) => string;
  type: (code: string) => string;
  reason: (code: string) => string;
}

function coded(...codes: string[]): CatalogueItem[] {
  return codes.map((code) => ({ code, titles: {} }));
}

/** What a Latvian centre always has; shown by code while the catalogue cannot be read. */
const USUAL = {
  services: coded("vugd", "nmpd", "vp"),
  refusals: coded("no_units", "other"),
  delays: coded("other"),
};

function or(list: readonly CatalogueItem[], usual: readonly CatalogueItem[]): readonly CatalogueItem[] {
  return list.length === 0 ? usual : list;
}

function titleOf(list: readonly CatalogueItem[], code: string): string | null {
  const titles = list.find((one) => one.code === code)?.titles ?? {};
  const title = titles[currentLanguage()] ?? titles.en ?? "";
  return title === "" ? null : title;
}

function codesOf(list: readonly CatalogueItem[]): string[] {
  return list.filter((one) => one.active !== false).map((one) => one.code);
}

export function namesOf(catalogue: Catalogue): Names {
  const services = or(catalogue.services, USUAL.services);
  const refusals = or(catalogue.refusal_reasons, USUAL.refusals);
  const delays = or(catalogue.delay_reasons, USUAL.delays);
  return {
    services: codesOf(services),
    refusals: codesOf(refusals),
    delays: codesOf(delays),
    service: (code) => titleOf(services, code) ?? code.toUpperCase(),
    type: (code) => titleOf(catalogue.types, code) ?? code,
    reason: (code) => titleOf([...refusals, ...delays], code) ?? code,
  };
}

export function useNames(): Names {
  const catalogue = useCatalogue();
  // Titles are looked up when asked for, in the language of that moment.
  return useMemo(() => namesOf(catalogue), [catalogue]);
}
