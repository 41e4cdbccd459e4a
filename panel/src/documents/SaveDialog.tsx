/** What will change, why, and the button that makes it so. */

import { ApiError } from "../api/http";
import { explain } from "../app/session";
import { Dialog } from "../shared/Dialog";
import { Icon } from "../shared/Icon";
import { ChangeList } from "./ChangeList";
import { changesOf, type DocumentEditor, type EditorState } from "./editor";
import { useKind } from "./kind";
import { useWords } from "./words";

const COMMENT_MAX = 500;

interface Properties {
  editor: DocumentEditor;
  state: EditorState;
  /** Kept by the page, so that a conflict in between does not lose it. */
  comment: string;
  onComment: (comment: string) => void;
  onClose: () => void;
  onSaved: () => void;
}

export function SaveDialog({ editor, state, comment, onComment, onClose, onSaved }: Properties) {
  const say = useWords();
  const changes = changesOf(useKind(), state);
  const errors = state.problems.filter((problem) => problem.severity === "error").length;
  const warnings = state.problems.length - errors;
  const { failure } = state;
  const refused = failure instanceof ApiError && failure.status === 422;
  return (
    <Dialog title={say("save.title")} onClose={onClose} testid="save-dialog">
      <p className="hint">{say("save.hint", { count: changes.length })}</p>
      <div className="dialog-scroll">
        <ChangeList changes={changes} />
      </div>
      {errors > 0 && (
        <p className="problem-error" role="alert" data-testid="save-blocked">
          <Icon name="warning" /> {say("save.blocked", { count: errors })}
        </p>
      )}
      {errors === 0 && warnings > 0 && <p className="problem-warning">{say("save.warnings", { count: warnings })}</p>}
      {failure !== null && !refused && (
        <p className="problem-error" role="alert" data-testid="save-failed">
          <Icon name="warning" /> {explain(failure)} {say("save.kept")}
        </p>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void editor.save(comment.trim()).then((saved) => {
            if (saved) onSaved();
          });
        }}
      >
        <label className="field">
          <span className="field-label">{say("save.comment")}</span>
          <textarea
            rows={2}
            maxLength={COMMENT_MAX}
            data-testid="save-comment"
            value={comment}
            onChange={(event) => onComment(event.target.value)}
          />
          <span className="field-help">{say("save.comment_help")}</span>
        </label>
        <div className="dialog-actions">
          <button
            type="submit"
            className="button button-primary"
            disabled={errors > 0 || changes.length === 0 || state.saving}
            data-testid="save-confirm"
          >
            {say(state.saving ? "save.busy" : "save.action")}
          </button>
          <button type="button" className="button" onClick={onClose}>
            {say("cancel")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
