/** The routing plan as a kind of document. */

import { itemsOf, type AnyDocument, type DocumentKind } from "../documents/kind";
import { currentLanguage } from "../i18n";
import { completed, newItem, titleIn, type Kind, type RoutingDocument, type Texts } from "./document";
import { nameProblem } from "./names";
import { FORMS, GENERAL } from "./specs";
import { skillTitle } from "./titles";

/** The document of the editor as what it is; the editor itself knows no plan. */
export function asPlan(document: AnyDocument): RoutingDocument {
  return document as unknown as RoutingDocument;
}

export function asDocument(plan: RoutingDocument): AnyDocument {
  return plan as unknown as AnyDocument;
}

export const ROUTING: DocumentKind = {
  name: "routing",
  currentPath: "/api/routing",
  fileBytesMax: 1024 * 1024,
  forms: FORMS,
  parts: { general: GENERAL },
  identities: {
    sites: ["name"],
    skills: ["name", "skill"],
    queues: ["name"],
    agents: ["agent_id"],
    schedules: ["name"],
    entries: ["number"],
    prompts: ["name"],
    directory: ["name"],
    exceptions: ["date"],
  },
  references: {
    queues: ["queue", "queues"],
    skills: ["skill"],
    sites: ["site", "sites"],
    schedules: ["schedule"],
    prompts: ["greeting", "announcement"],
    entries: [],
    directory: [],
  },
  completed: (raw) => asDocument(completed(raw)),
  newItem: (list, name, document) => newItem(list as Kind, name, asPlan(document)),
  nameProblem: (list, name, others) => nameProblem(list as Kind, name, others),
  titleOf: (list, item) =>
    list === "entries"
      ? String(item.number)
      : titleIn(item as { name: string; title?: Partial<Texts> }, currentLanguage()),
  /** `*` and `language:*`: all skills, and those of a category. */
  patterns: (document, say) => {
    const plan = asPlan(document);
    const categories = new Set(
      itemsOf(document, "skills")
        .map((skill) => String(skill.name))
        .filter((name) => name.includes(":"))
        .map((name) => `${name.slice(0, name.indexOf(":"))}:*`),
    );
    return ["*", ...categories].map((name) => ({ name, text: skillTitle(plan, name, say) }));
  },
};
