/** A YAML file becomes the draft: its differences and problems are seen before it is saved. */

import { useState } from "react";
import { ApiError } from "../api/http";
import { explain } from "../app/session";
import { Dialog } from "../shared/Dialog";
import { Icon } from "../shared/Icon";
import type { ReadYAML } from "./api";
import { ChangeList } from "./ChangeList";
import { diff } from "./diff";
import type { DocumentEditor } from "./editor";
import { useKind, type AnyDocument } from "./kind";
import { isObject } from "./paths";
import { ProblemLines } from "./Field";
import { useWords, type Say } from "./words";

function failureText(say: Say, error: unknown): string {
  if (error instanceof ApiError && error.code === "bad_yaml" && isObject(error.body)) {
    const { line, column } = error.body;
    // The server's sentence begins with the place, which is told in the reader's language here.
    const message = error.message.replace(/^Line \d+, column \d+: /, "");
    return say("import.bad_yaml", { line: Number(line), column: Number(column), message });
  }
  return explain(error);
}

interface Properties {
  editor: DocumentEditor;
  document: AnyDocument;
  onClose: () => void;
}

export function ImportDialog({ editor, document, onClose }: Properties) {
  const say = useWords();
  const kind = useKind();
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const [found, setFound] = useState<ReadYAML | null>(null);
  const change = (next: string): void => {
    setText(next);
    setFound(null);
    setFailure(null);
  };
  const choose = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    if (file.size > kind.fileBytesMax) setFailure(say("import.too_large", { limit: kind.fileBytesMax / 1024 / 1024 }));
    else change(await file.text());
  };
  const check = async (): Promise<void> => {
    setBusy(true);
    setFailure(null);
    try {
      setFound(await editor.api.readYAML(text));
    } catch (error) {
      setFailure(failureText(say, error));
    } finally {
      setBusy(false);
    }
  };
  const imported = found?.document ?? null;
  return (
    <Dialog title={say("import.title")} onClose={onClose} testid="import-dialog">
      <p className="hint">{say("import.hint")}</p>
      <label className="field">
        <span className="field-label">{say("import.file")}</span>
        <input
          type="file"
          accept=".yaml,.yml,application/yaml,text/yaml"
          data-testid="import-file"
          onChange={(event) => void choose(event.target.files?.[0])}
        />
      </label>
      <label className="field">
        <span className="field-label">{say("import.text")}</span>
        <textarea
          rows={8}
          className="code"
          spellCheck={false}
          data-testid="import-text"
          value={text}
          onChange={(event) => change(event.target.value)}
        />
      </label>
      {failure !== null && (
        <p className="problem-error" role="alert" data-testid="import-failed">
          <Icon name="warning" /> {failure}
        </p>
      )}
      {found !== null && (
        <div className="dialog-scroll">
          <ProblemLines problems={found.problems} />
          {imported !== null && <ChangeList changes={diff(kind.identities, document, imported)} />}
        </div>
      )}
      <div className="dialog-actions">
        {imported === null ? (
          <button
            type="button"
            className="button button-primary"
            disabled={busy || text.trim() === ""}
            data-testid="import-check"
            onClick={() => void check()}
          >
            {say(busy ? "import.busy" : "import.check")}
          </button>
        ) : (
          <button
            type="button"
            className="button button-primary"
            data-testid="import-take"
            onClick={() => {
              editor.edit(() => imported);
              onClose();
            }}
          >
            {say("import.take")}
          </button>
        )}
        <button type="button" className="button" onClick={onClose}>
          {say("cancel")}
        </button>
      </div>
    </Dialog>
  );
}
