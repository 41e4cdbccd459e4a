/** How the directory of services and queues names things. */

import type { Directory, Titles } from "../api/types";
import { currentLanguage, LANGUAGES } from "../i18n";

export const NO_DIRECTORY: Directory = { entries: [], queues: [] };

/** In the language of the screen, else in any, else the plain name. */
export function titleOf(titles: Titles, name: string): string {
  const wanted = [currentLanguage(), ...LANGUAGES];
  return wanted.map((language) => titles[language]).find((title) => title) ?? name;
}

/** A queue as people call it; its name where the directory does not know it. */
export function queueTitle(directory: Directory, name: string): string {
  return titleOf(directory.queues.find((queue) => queue.name === name)?.title ?? {}, name);
}

/** A service or interpreter as people call it; others, such as a typed number, as they are named. */
export function entryTitle(directory: Directory, name: string): string {
  return titleOf(directory.entries.find((entry) => entry.name === name)?.title ?? {}, name);
}
