/** The editor of the routing plan, for supervisors and admins. */

import { useEffect, useMemo, useState } from "react";
import { useLive, useSession } from "../app/session";
import { useEditing } from "../documents/context";
import { EditorPage, type Shown } from "../documents/EditorPage";
import { Form } from "../documents/Form";
import { ItemList } from "../documents/ItemList";
import { isObject } from "../documents/paths";
import { fetchPeople } from "../people/api";
import { AgentsMatrix } from "./AgentsMatrix";
import { SeatsContext } from "./context";
import { ROUTING } from "./kind";
import { QueueStory } from "./QueueStory";
import { GENERAL } from "./specs";

const SECTIONS = [
  "queues",
  "skills",
  "agents",
  "schedules",
  "entries",
  "prompts",
  "directory",
  "sites",
  "general",
] as const;

/** Seats of the server by id, with the names of their people. */
function knownAgents(answer: unknown): ReadonlyMap<string, string> {
  const list = isObject(answer) ? answer.known_agents : null;
  const known = new Map<string, string>();
  for (const item of Array.isArray(list) ? (list as unknown[]) : []) {
    if (typeof item === "string") known.set(item, item);
    else if (isObject(item) && typeof item.agent_id === "string") {
      const { agent_id: id, name } = item;
      known.set(id, typeof name === "string" ? name : id);
    }
  }
  return known;
}

/** Names of seats: of the accounts for admins, of the server's list, else of the live seats. */
function useKnownSeats(beside: unknown): ReadonlyMap<string, string> {
  const { me } = useSession();
  const live = useLive();
  const [people, setPeople] = useState<ReadonlyMap<string, string>>(new Map());
  const { people: mayRead } = me.rights;
  useEffect(() => {
    if (!mayRead) return undefined;
    let gone = false;
    fetchPeople().then(
      (list) => {
        const seated = list.flatMap(({ agent_id, name }) => (agent_id === null ? [] : [[agent_id, name] as const]));
        if (!gone) setPeople(new Map(seated));
      },
      // The live seats have names too.
      () => undefined,
    );
    return () => {
      gone = true;
    };
  }, [mayRead]);
  return useMemo(() => {
    const names = Object.values(live.agents).map((agent) => [agent.agent_id, agent.name] as const);
    return new Map([...names, ...knownAgents(beside), ...people]);
  }, [live.agents, beside, people]);
}

function Body({ section, selected, onSelect }: Shown) {
  const { beside } = useEditing();
  const known = useKnownSeats(beside);
  return (
    <SeatsContext.Provider value={known}>
      {section === "agents" ? (
        <AgentsMatrix />
      ) : section === "general" ? (
        <Form groups={GENERAL} path={["general"]} />
      ) : (
        <ItemList
          key={section}
          list={section}
          selected={selected}
          onSelect={onSelect}
          {...(section === "queues" ? { story: (index: number) => <QueueStory index={index} /> } : {})}
        />
      )}
    </SeatsContext.Provider>
  );
}

export function RoutingPage({ onClose }: { onClose: () => void }) {
  const { routingVersion } = useLive();
  return (
    <EditorPage kind={ROUTING} icon="routing" sections={SECTIONS} told={routingVersion} onClose={onClose}>
      {(shown) => <Body {...shown} />}
    </EditorPage>
  );
}
