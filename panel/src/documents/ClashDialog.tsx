/** Others saved while we edited: who, and what becomes of our changes. Nothing is lost either way. */

import { useState } from "react";
import { Dialog } from "../shared/Dialog";
import { Moment } from "../shared/Time";
import { ChangeList } from "./ChangeList";
import { diff } from "./diff";
import type { DocumentEditor, EditorState } from "./editor";
import { useKind } from "./kind";
import { conflictKey, type Conflict } from "./rebase";
import { placeText, useWords, valueText } from "./words";

interface ChoiceProperties {
  conflict: Conflict;
  theirs: boolean;
  onChoose: (theirs: boolean) => void;
}

function Choice({ conflict, theirs, onChoose }: ChoiceProperties) {
  const say = useWords();
  const sides = [
    { mine: true, title: say("clash.mine"), value: conflict.mine },
    { mine: false, title: say("clash.theirs"), value: conflict.theirs },
  ];
  const place = placeText(say, conflict.path);
  return (
    <fieldset className="clash-choice" data-testid="clash-choice">
      <legend>{place}</legend>
      <p className="faint">
        {say("clash.base")}: {valueText(say, conflict.base)}
      </p>
      <div className="clash-sides">
        {sides.map((side) => (
          <label key={String(side.mine)}>
            <input
              type="radio"
              name={conflictKey(conflict.path)}
              checked={side.mine === !theirs}
              onChange={() => onChoose(!side.mine)}
            />
            <strong>{side.title}</strong>
            <span>{valueText(say, side.value)}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

export function ClashDialog({ editor, state }: { editor: DocumentEditor; state: EditorState }) {
  const say = useWords();
  const kind = useKind();
  const [given, setGiven] = useState<ReadonlySet<string>>(new Set());
  const { clash, base } = state;
  const result = editor.rebased(given);
  if (clash === null || base === null || result === null) return null;
  const choose = (key: string, theirs: boolean): void => {
    const next = new Set(given);
    if (theirs) next.add(key);
    else next.delete(key);
    setGiven(next);
  };
  return (
    <Dialog title={say("clash.title")} onClose={editor.postpone} testid="clash">
      <p>{say("clash.hint")}</p>
      <ul className="clash-versions" data-testid="clash-versions">
        {clash.between.map((info) => (
          <li key={info.version}>
            <strong>{say("history.version", { version: info.version })}</strong>, {info.author ?? "–"}
            {info.saved_at !== null && (
              <>
                , <Moment at={info.saved_at} />
              </>
            )}
            {info.comment ? `: ${info.comment}` : ""}
          </li>
        ))}
      </ul>
      <div className="dialog-scroll">
        <details>
          <summary>{say("clash.what_they_changed")}</summary>
          <ChangeList changes={diff(kind.identities, base.document, clash.theirs.document)} />
        </details>
        {result.conflicts.length === 0 ? (
          <p>{say("clash.no_overlap")}</p>
        ) : (
          <>
            <p>{say("clash.overlap", { count: result.conflicts.length })}</p>
            {result.conflicts.map((conflict) => {
              const key = conflictKey(conflict.path);
              return (
                <Choice
                  key={key}
                  conflict={conflict}
                  theirs={given.has(key)}
                  onChoose={(theirs) => choose(key, theirs)}
                />
              );
            })}
          </>
        )}
      </div>
      <div className="dialog-actions">
        <button type="button" className="button button-primary" data-testid="clash-mine" onClick={() => editor.keepMine(given)}>
          {say("clash.keep_mine")}
        </button>
        <button type="button" className="button" data-testid="clash-theirs" onClick={() => editor.takeTheirs()}>
          {say("clash.take_theirs")}
        </button>
        <button type="button" className="button" onClick={editor.postpone}>
          {say("clash.later")}
        </button>
      </div>
      <p className="field-help">{say("clash.undo_hint")}</p>
    </Dialog>
  );
}
