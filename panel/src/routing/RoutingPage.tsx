/** The editor of the routing plan, for supervisors and admins. */

import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore, type RefObject } from "react";
import { explain, useLive, useSession } from "../app/session";
import { Icon } from "../shared/Icon";
import { Moment } from "../shared/Time";
import { fetchPeople } from "../people/api";
import { AgentsMatrix } from "./AgentsMatrix";
import { EXPORT_PATH } from "./api";
import { ChangeList } from "./ChangeList";
import { ClashDialog } from "./ClashDialog";
import { EditingContext, type Editing } from "./context";
import { KINDS, type Kind } from "./document";
import { changesOf, PlanEditor, type EditorState } from "./editor";
import { Form } from "./Form";
import { ImportDialog } from "./ImportDialog";
import { ItemList } from "./ItemList";
import { allSeats } from "./members";
import { pathKey, type Path } from "./paths";
import type { Problem } from "./problems";
import { QueueStory } from "./QueueStory";
import { SaveDialog } from "./SaveDialog";
import { GENERAL } from "./specs";
import { Versions } from "./Versions";
import { useHidden } from "./useHidden";
import { namedPath, placeText, problemText, useWords } from "./words";

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
  "history",
] as const;
type Section = (typeof SECTIONS)[number];

function isKind(section: Section): section is Kind & Section {
  return KINDS.some((kind) => kind === section);
}

/** One editor for the time that the page is open. */
function useEditor(): [PlanEditor, EditorState] {
  const { me } = useSession();
  const { routingVersion } = useLive();
  const [editor] = useState(() => new PlanEditor(me.account.login));
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
    if (routingVersion !== null && !saving) void editor.noticed(routingVersion);
  }, [editor, routingVersion, saving]);
  return [editor, state];
}

/** Names of seats: of the accounts for admins, of the server's list, else of the live seats. */
function useKnownSeats(fromServer: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
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
    return new Map([...names, ...fromServer, ...people]);
  }, [live.agents, fromServer, people]);
}

/** Ctrl+Z and Ctrl+Shift+Z (or Ctrl+Y) in the whole editor: the draft knows what was typed. */
function useUndoKeys(editor: PlanEditor, root: RefObject<HTMLElement | null>, busy: boolean): void {
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
  editor: PlanEditor;
  state: EditorState;
  changes: number;
  onShowChanges: () => void;
  onSave: () => void;
  onImport: () => void;
  onClose: () => void;
}

function Head({ editor, state, changes, onShowChanges, onSave, onImport, onClose }: HeadProperties) {
  const say = useWords();
  const { base, history } = state;
  return (
    <header className="routing-head">
      <h2>
        <Icon name="routing" /> {say("title")}
      </h2>
      {base !== null && (
        <span className="faint" data-testid="routing-version">
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
            <a className="button button-small" href={EXPORT_PATH} download title={say("export_hint")} data-testid="export">
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
        <button type="button" className="icon-button" aria-label={say("close")} title={say("close")} data-testid="routing-close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
    </header>
  );
}

function Notices({ editor, state }: { editor: PlanEditor; state: EditorState }) {
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

interface BodyProperties {
  section: Section;
  selected: Readonly<Partial<Record<Section, number>>>;
  editor: PlanEditor;
  state: EditorState;
  changes: number;
  onSelect: (index: number) => void;
}

function Body({ section, selected, editor, state, changes, onSelect }: BodyProperties) {
  if (isKind(section)) {
    return (
      <ItemList
        key={section}
        kind={section}
        selected={selected[section] ?? 0}
        onSelect={onSelect}
        {...(section === "queues" ? { story: (index: number) => <QueueStory index={index} /> } : {})}
      />
    );
  }
  switch (section) {
    case "agents":
      return <AgentsMatrix />;
    case "general":
      return <Form groups={GENERAL} path={["general"]} />;
    default:
      return <Versions editor={editor} current={state.base?.version ?? 0} unsaved={changes > 0} />;
  }
}

export function RoutingPage({ onClose }: { onClose: () => void }) {
  const say = useWords();
  const { toasts } = useSession();
  const [editor, state] = useEditor();
  const known = useKnownSeats(state.known);
  const [section, setSection] = useState<Section>("queues");
  const [selected, setSelected] = useState<Partial<Record<Section, number>>>({});
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
  const plan = state.history?.present ?? null;
  const { problems } = state;
  const editing = useMemo<Editing | null>(
    () => plan && { editor, document: plan, problems, seats: allSeats(plan, known) },
    [editor, plan, problems, known],
  );
  const changes = useMemo(() => changesOf(state), [state]);
  useEffect(() => {
    if (jump !== null) focusPath(root.current, jump.path);
  }, [jump]);

  const jumpTo = (path: Path): void => {
    const target = SECTIONS.find((name) => name === path[0]) ?? section;
    setSection(target);
    if (typeof path[1] === "number") setSelected({ ...selected, [target]: path[1] });
    setJump({ path });
  };
  return (
    <section className="routing" aria-label={say("title")} ref={root} data-testid="routing">
      <Head
        editor={editor}
        state={state}
        changes={changes.length}
        onShowChanges={() => setListed(!listed)}
        onSave={() => setDialog("save")}
        onImport={() => setDialog("import")}
        onClose={onClose}
      />
      {state.stage === "loading" && <p className="empty" role="status" data-testid="routing-loading">{say("loading")}</p>}
      {state.stage === "failed" && (
        <div className="empty" role="alert" data-testid="routing-failed">
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
              {SECTIONS.map((name) => (
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
              <Body
                section={section}
                selected={selected}
                editor={editor}
                state={state}
                changes={changes.length}
                onSelect={(index) => setSelected({ ...selected, [section]: index })}
              />
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
