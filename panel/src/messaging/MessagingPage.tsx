/** The editor of how texts are handled, for supervisors and admins. */

import { useLive } from "../app/session";
import { EditorPage, type Shown } from "../documents/EditorPage";
import { Form } from "../documents/Form";
import { ItemList } from "../documents/ItemList";
import { MESSAGING } from "./kind";
import { ACKNOWLEDGEMENT, GENERAL } from "./specs";
import { TryText } from "./TryText";

export const SECTIONS = ["snippets", "automatic_acknowledgement", "templates", "general"] as const;

function Body({ section, selected, onSelect }: Shown) {
  if (section === "automatic_acknowledgement") return <Form groups={ACKNOWLEDGEMENT} path={[section]} />;
  if (section === "general") return <Form groups={GENERAL} path={[]} />;
  return (
    <ItemList
      key={section}
      list={section}
      selected={selected}
      onSelect={onSelect}
      {...(section === "templates" ? { more: <TryText /> } : {})}
    />
  );
}

export function MessagingPage({ onClose }: { onClose: () => void }) {
  const { messagingVersion } = useLive();
  return (
    <EditorPage kind={MESSAGING} icon="message" sections={SECTIONS} told={messagingVersion} onClose={onClose}>
      {(shown) => <Body {...shown} />}
    </EditorPage>
  );
}
