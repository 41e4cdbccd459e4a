/** Why something cannot be read, and why an address gave no place, in the words of the language. */

import { t } from "i18next";
import type { Fault } from "../api/ecall";
import { translateCode } from "../i18n";

/** `error`: what a server says that knows no codes. A code that is not known here stands for itself. */
export function faultWords(fault: Fault | null, error: string | null): string {
  if (fault === null) return error ?? t("ecall.unknown");
  return translateCode("ecall.fault", fault.code, fault.code, fault.params);
}
