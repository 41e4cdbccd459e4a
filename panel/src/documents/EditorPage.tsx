/** The editor of a document: its head, problems, parts, dialogs. The parts' contents are the page's. */

import {
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
  type ReactNode,
  type RefObject,
} from "react";
import { explain, useSession } from "../app/session";
import { Icon, type IconName } from "../shared/Icon";
import { Moment } from "../shared/Time";
import { ChangeList } from "./ChangeList";
import { ClashDialog } from "./ClashDialog";
import { EditingContext, type Editing } from "./context";
import { changesOf, DocumentEditor, type EditorState } from "./editor";
import { ImportDialog } from "./ImportDialog";
import { KindContext, useKind, type DocumentKind } from "./kind";
import { pathKey, type Path } from "./paths";
import type { Problem } from "./problems";
import { SaveDialog } from "./SaveDialog";
import { useHidden } from "./useHidden";
import { Versions } from "./Versions";
import { namedPath, placeText, problemText, useWords } from "./words";

/** The last part of every document. */
const HISTORY = "history";

/** One editor for the time that the page is open. `told` is the version that the server told last. */
function useEditor(kind: DocumentKind, told: number | null): [DocumentEditor, EditorState] {
  const { me } = useSession();
  const [editor] = useState(() => new DocumentEditor(kind, me.account.login));
  const state = useSyncExternalStore(editor.subscribe, editor.getState);
  useEffect(() => {
    void editor.load();
    window.addEventListener("pagehide", editor.flush);
    return () => {
      window.removeEventListener("pagehide", editor.flush);
      editor.stop();
    };
  }, [editor]);
  const { saving } = state;
  useEffect(() => {
    if (told !== null && !saving) void editor.noticed(told);
  }, [editor, told, saving]);
  return [editor, state];
}

/** Ctrl+Z and Ctrl+Shift+Z (or Ctrl+Y) in the whole editor: the draft knows what was typed. */
function useUndoKeys(editor: DocumentEditor, root: RefObject<HTMLElement | null>, busy: boolean): void {
  useEffect(() => {
    if (busy) return undefined;
    const press = (event: KeyboardEvent): void => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
      const key = event.key.toLowerCase();
      if (key !== "z" && key !== "y") return;
      // The page may be out of sight, and the notes of a call have an undo of their own.
      const elsewhere = event.target !== document.body && !root.current?.contains(event.target as Node);
      if (elsewhere || root.current?.closest("[hidden]")) return;
      event.preventDefault();
      if (key === "y" || event.shiftKey) editor.redo();
      else editor.undo();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [editor, root, busy]);
}

/** Puts the focus to the field of a path, or to the nearest part around it. */
function focusPath(root: HTMLElement | null, path: Path): void {
  for (let length = path.length; length > 0; length -= 1) {
    const wanted = pathKey(path.slice(0, length));
    const found = [...(root?.querySelectorAll<HTMLElement>("[data-path]") ?? [])].find(
      (element) => element.dataset.path === wanted,
    );
    if (!found) continue;
    const input = found.matches("input, select, textarea") ? found : found.querySelector<HTMLElement>("input, select, textarea");
    (input ?? found).focus();
    return;
  }
}

interface ProblemListProperties {
  problems: readonly Problem[];
  editing: Editing;
  onJump: (path: Path) => void;
}

function ProblemList({ problems, editing, onJump }: ProblemListProperties) {
  const say = useWords();
  if (problems.length === 0) return null;
  const errors = problems.filter((problem) => problem.severity === "error").length;
  return (
    <details className="problem-list" data-testid="problem-list" open={errors > 0}>
      <summary>{say("problems", { errors, warnings: problems.length - errors })}</summary>
      <ul>
        {problems.map((problem) => (
          <li key={`${pathKey(problem.path)} ${problem.code}`}>
            <button type="button" className={`problem-jump problem-${problem.severity}`} onClick={() => onJump(problem.path)}>
              <Icon name={problem.severity === "error" ? "warning" : "info"} size={16} />
              <span>
                <strong>{placeText(say, namedPath(editing.document, problem.path))}</strong>: {problemText(say, problem)}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}

interface HeadProperties {
  icon: IconName;
  editor: DocumentEditor;
  state: EditorState;
  changes: number;
  onShowChanges: () => void;
  onSave: () => void;
  onImport: () => void;
  onClose: () => void;
}

function Head({ icon, editor, state, changes, onShowChanges, onSave, onImport, onClose }: HeadProperties) {
  const say = useWords();
  const kind = useKind();
  const { base, history } = state;
  return (
    <header className="routing-head">
      <h2>
        <Icon name={icon} /> {say("title")}
      </h2>
      {base !== null && (
        <span className="faint" data-testid={`${kind.name}-version`}>
          {base.saved_at === null ? say("unsaved_default") : say("history.version", { version: base.version })}
          {base.author ? `, ${base.author}` : ""}
          {base.saved_at !== null && (
            <>
              , <Moment at={base.saved_at} seconds={false} />
            </>
          )}
        </span>
      )}
      <div className="routing-tools">
        {history !== null && (
          <>
            <button
              type="button"
              className="button button-small"
              disabled={history.past.length === 0}
              title="Ctrl+Z"
              data-testid="undo"
              onClick={editor.undo}
            >
              <Icon name="back" size={16} /> {say("undo")}
            </button>
            <button
              type="button"
              className="button button-small"
              disabled={history.future.length === 0}
              title="Ctrl+Shift+Z"
              data-testid="redo"
              onClick={editor.redo}
            >
              <Icon name="forward" size={16} /> {say("redo")}
            </button>
            <button type="button" className="button button-small" data-testid="import" onClick={onImport}>
              {say("import.open")}
            </button>
            <a className="button button-small" href={editor.api.exportPath} download title={say("export_hint")} data-testid="export">
              {say("export")}
            </a>
            <button type="button" className="button button-small" disabled={changes === 0} data-testid="show-changes" onClick={onShowChanges}>
              {say("changes.count", { count: changes })}
            </button>
            <button type="button" className="button button-small button-primary" disabled={changes === 0} data-testid="save" onClick={onSave}>
              {say("save.open")}
            </button>
          </>
        )}
        <button type="button" className="icon-button" aria-label={say("close")} title={say("close")} data-testid={`${kind.name}-close`} onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
    </header>
  );
}

function Notices({ editor, state }: { editor: DocumentEditor; state: EditorState }) {
  const say = useWords();
  const { base } = state;
  return (
    <>
      {state.outdated && (
        <p className="notice" role="status" data-testid="outdated">
          {say("outdated")}{" "}
          <button type="button" className="button button-small" onClick={() => void editor.compare()}>
            {say("compare")}
          </button>
        </p>
      )}
      {state.unchecked && <p className="notice" role="status">{say("unchecked")}</p>}
      {state.unkept && <p className="notice" role="alert">{say("unkept")}</p>}
      {base !== null && base.newest > base.version && <p className="notice">{say("older_shown", { version: base.version, newest: base.newest })}</p>}
    </>
  );
}

/** What a page shows of one part of its document. */
export interface Shown {
  section: string;
  selected: number;
  onSelect: (index: number) => void;
}

interface Properties {
  kind: DocumentKind;
  icon: IconName;
  /** Its parts, in the order of the page; the history follows by itself. */
  sections: readonly string[];
  told: number | null;
  onClose: () => void;
  children: (shown: Shown) => ReactNode;
}

export function EditorPage(properties: Properties) {
  return (
    <KindContext.Provider value={properties.kind}>
      <Page {...properties} />
    </KindContext.Provider>
  );
}

function Page({ kind, icon, sections, told, onClose, children }: Properties) {
  const say = useWords();
  const { toasts } = useSession();
  const [editor, state] = useEditor(kind, told);
  const all = [...sections, HISTORY];
  const [section, setSection] = useState(sections[0] ?? HISTORY);
  const [selected, setSelected] = useState<Readonly<Record<string, number>>>({});
  const [dialog, setDialog] = useState<"save" | "import" | null>(null);
  const [comment, setComment] = useState("");
  const [listed, setListed] = useState(false);
  const [jump, setJump] = useState<{ path: Path } | null>(null);
  const root = useRef<HTMLDivElement>(null);
  useUndoKeys(editor, root, dialog !== null || state.clash !== null);
  useHidden(
    root,
    useCallback(() => {
      setDialog(null);
      editor.postpone();
    }, [editor]),
  );
  const document = state.history?.present ?? null;
  const { problems, beside } = state;
  const editing = useMemo<Editing | null>(
    () => document && { editor, document, problems, beside },
    [editor, document, problems, beside],
  );
  const changes = useMemo(() => changesOf(kind, state), [kind, state]);
  useEffect(() => {
    if (jump !== null) focusPath(root.current, jump.path);
  }, [jump]);

  const jumpTo = (path: Path): void => {
    const key = String(path[0] ?? "");
    const target = all.find((name) => name === (kind.sectionOf?.(key) ?? key)) ?? section;
    setSection(target);
    if (typeof path[1] === "number") setSelected({ ...selected, [target]: path[1] });
    setJump({ path });
  };
  return (
    <section className="routing" aria-label={say("title")} ref={root} data-testid={kind.name}>
      <Head
        icon={icon}
        editor={editor}
        state={state}
        changes={changes.length}
        onShowChanges={() => setListed(!listed)}
        onSave={() => setDialog("save")}
        onImport={() => setDialog("import")}
        onClose={onClose}
      />
      {state.stage === "loading" && <p className="empty" role="status" data-testid={`${kind.name}-loading`}>{say("loading")}</p>}
      {state.stage === "failed" && (
        <div className="empty" role="alert" data-testid={`${kind.name}-failed`}>
          <p>{explain(state.error)}</p>
          <button type="button" className="button" onClick={() => void editor.load()}>
            {say("retry")}
          </button>
        </div>
      )}
      {state.stage === "ready" && editing !== null && (
        <EditingContext.Provider value={editing}>
          <Notices editor={editor} state={state} />
          <ProblemList problems={problems} editing={editing} onJump={jumpTo} />
          {listed && changes.length > 0 && (
            <div className="routing-changes">
              <ChangeList changes={changes} />
              <button type="button" className="button button-small" data-testid="discard" onClick={editor.discard}>
                {say("discard")}
              </button>
            </div>
          )}
          <div className="routing-body">
            <nav className="routing-nav" aria-label={say("sections")}>
              {all.map((name) => (
                <button
                  key={name}
                  type="button"
                  aria-current={name === section ? "page" : undefined}
                  data-testid={`section-${name}`}
                  onClick={() => setSection(name)}
                >
                  {say(`section.${name}`)}
                </button>
              ))}
            </nav>
            <div className="routing-main">
              <h3 className="visually-hidden">{say(`section.${section}`)}</h3>
              {section === HISTORY ? (
                <Versions editor={editor} current={state.base?.version ?? 0} unsaved={changes.length > 0} />
              ) : (
                children({
                  section,
                  selected: selected[section] ?? 0,
                  onSelect: (index) => setSelected({ ...selected, [section]: index }),
                })
              )}
            </div>
          </div>
          {dialog === "save" && state.clash === null && (
            <SaveDialog
              editor={editor}
              state={state}
              comment={comment}
              onComment={setComment}
              onClose={() => setDialog(null)}
              onSaved={() => {
                setDialog(null);
                setComment("");
                setListed(false);
                toasts.show("info", say("save.done", { version: editor.getState().base?.version ?? 0 }));
              }}
            />
          )}
          {dialog === "import" && <ImportDialog editor={editor} document={editing.document} onClose={() => setDialog(null)} />}
          {state.clash !== null && <ClashDialog editor={editor} state={state} />}
        </EditingContext.Provider>
      )}
    </section>
  );
}
