/** A plan as the server sends it, small but with every kind of part. */

import { newQueue, type RoutingDocument } from "../src/routing/document";

export function plan(change: Partial<RoutingDocument> = {}): RoutingDocument {
  return {
    general: {
      missed_offers_max: 3,
      text_during_voice: false,
      voice_during_text: true,
      default_language: "lv",
      silence_after_s: 8,
      callbacks: { automatic: false, attempts_max: 3, retry_after_s: 300 },
      dialling: { allow: [], deny: ["90", "+979"] },
    },
    sites: [
      { name: "riga", title: { lv: "Rīga", ru: "Рига", en: "Riga" } },
      { name: "liepaja", title: { lv: "", ru: "", en: "" } },
    ],
    skills: [
      { name: "language:lv", title: { lv: "latviešu", ru: "латышский", en: "Latvian" } },
      { name: "language:ru", title: { lv: "krievu", ru: "русский", en: "Russian" } },
      { name: "medical", title: { lv: "", ru: "", en: "" } },
    ],
    queues: [
      {
        ...newQueue("emergency"),
        title: { lv: "Ārkārtas", ru: "Экстренная", en: "Emergency" },
        queue_class: 9,
        skills: [{ skill: "language:lv", level: 3 }],
        relax: [{ after_s: 20, skill: "language:*", level: 0 }],
        overflow: [{ after_s: 40, queue: "office", site: null }],
      },
      newQueue("office"),
      newQueue("callback"),
    ],
    agents: [
      {
        agent_id: "agent-101",
        queues: ["emergency"],
        skills: [{ skill: "language:lv", level: 5 }],
        site: "riga",
        text_max: 0,
        may_pick: false,
      },
      { agent_id: "agent-102", queues: ["office"], skills: [], site: "", text_max: 2, may_pick: true },
    ],
    schedules: [
      {
        name: "office_hours",
        timezone: "Europe/Riga",
        weekly: [{ days: ["mon", "tue"], from: "08:00", to: "17:00" }],
        exceptions: [{ date: "2026-12-24", open: false }],
      },
    ],
    entries: [
      {
        number: "112",
        site: "",
        queue: "emergency",
        priority: null,
        service: "",
        skills: [],
        rules: [{ schedule: "office_hours", queue: "emergency" }],
      },
    ],
    prompts: [{ name: "welcome", texts: { lv: "Labdien", ru: "Здравствуйте", en: "Hello" } }],
    directory: [{ name: "nmpd", title: { lv: "NMPD", ru: "НМП", en: "Ambulance" }, number: "113", kind: "service" }],
    ...change,
  };
}
