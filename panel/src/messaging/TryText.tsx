/** What the layouts of the draft find in an app's text: tried before anything is saved. */

import { useState } from "react";
import { request } from "../api/http";
import { useEditing } from "../documents/context";
import { itemsOf } from "../documents/kind";
import { useWords } from "../documents/words";
import { titleOf } from "./document";

/** As the server tells it (`POST /api/messaging/read`). */
interface Found {
  template: string;
  fields: { name: string; value: string; titles: Record<string, string> }[];
  latitude: number | null;
  longitude: number | null;
  rest: string;
}

type Told = { found: Found | null } | "failed";

export function TryText() {
  const say = useWords();
  const { document } = useEditing();
  const [text, setText] = useState("");
  const [told, setTold] = useState<Told | null>(null);
  const templates = itemsOf(document, "templates");
  const read = async (): Promise<void> => {
    try {
      setTold((await request("POST", "/api/messaging/read", { body: { templates, text } })) as Told);
    } catch {
      setTold("failed");
    }
  };
  return (
    <details className="area-import">
      <summary>{say("try.title")}</summary>
      <p className="field-help">{say("try.help")}</p>
      <label className="field">
        <span className="field-label">{say("try.text")}</span>
        <textarea
          rows={3}
          className="code"
          spellCheck={false}
          maxLength={4_000}
          data-testid="try-text"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setTold(null);
          }}
        />
      </label>
      <button type="button" className="button button-small" data-testid="try-read" disabled={text === ""} onClick={() => void read()}>
        {say("try.read")}
      </button>
      <div role="status" data-testid="try-told">
        {told === "failed" && <p>{say("try.failed")}</p>}
        {told !== null && told !== "failed" && (told.found === null ? <p>{say("try.none")}</p> : <What found={told.found} />)}
      </div>
    </details>
  );
}

function What({ found }: { found: Found }) {
  const say = useWords();
  const { document } = useEditing();
  const template = itemsOf(document, "templates").find((one) => one.code === found.template);
  const { latitude, longitude } = found;
  return (
    <>
      <p>{say("try.found", { template: template ? titleOf(template) : found.template })}</p>
      <dl>
        {found.fields.map((field) => (
          <div key={field.name}>
            <dt>{titleOf({ code: field.name, titles: field.titles })}</dt>
            <dd>{field.value}</dd>
          </div>
        ))}
      </dl>
      <p>{latitude === null || longitude === null ? say("try.no_place") : say("try.place", { latitude, longitude })}</p>
      {found.rest !== "" && <p>{say("try.rest", { rest: found.rest })}</p>}
    </>
  );
}
