/** Who saved what and when; an old version can become the newest again. */

import { useCallback, useEffect, useState } from "react";
import { explain } from "../app/session";
import { Dialog } from "../shared/Dialog";
import { Moment } from "../shared/Time";
import type { DocumentAPI, OldVersion, VersionInfo } from "./api";
import { ChangeList } from "./ChangeList";
import type { DocumentEditor } from "./editor";
import { useWords } from "./words";

interface Listed {
  versions: readonly VersionInfo[];
  next: number | null;
  loading: boolean;
  error: unknown;
}

const EMPTY: Listed = { versions: [], next: null, loading: true, error: null };

function useVersions(api: DocumentAPI, newest: number): Listed & { more: () => void } {
  const [listed, setListed] = useState<Listed>(EMPTY);
  const read = useCallback(async (before: number | null, old: readonly VersionInfo[]): Promise<void> => {
    try {
      const { versions, next } = await api.versions(before);
      setListed({ versions: [...old, ...versions], next, loading: false, error: null });
    } catch (error) {
      setListed((known) => ({ ...known, loading: false, error }));
    }
  }, [api]);
  useEffect(() => {
    const timer = window.setTimeout(() => void read(null, []), 0);
    return () => window.clearTimeout(timer);
  }, [newest, read]);
  const more = (): void => {
    const failed = listed.error !== null && listed.versions.length === 0;
    setListed({ ...listed, loading: true, error: null });
    void read(failed ? null : listed.next, listed.versions);
  };
  return { ...listed, more };
}

function Differences({ api, version }: { api: DocumentAPI; version: number }) {
  const say = useWords();
  const [old, setOld] = useState<OldVersion | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    let gone = false;
    api.version(version).then(
      (found) => {
        if (!gone) setOld(found);
      },
      (failure: unknown) => {
        if (!gone) setError(failure);
      },
    );
    return () => {
      gone = true;
    };
  }, [api, version]);
  if (error !== null) return <p role="alert" className="problem-error">{explain(error)}</p>;
  if (old === null) return <p role="status">{say("loading")}</p>;
  return old.changes === null ? <p className="faint">{say("history.no_changes")}</p> : <ChangeList changes={old.changes} />;
}

interface RestoreProperties {
  editor: DocumentEditor;
  version: number;
  onClose: () => void;
}

function RestoreDialog({ editor, version, onClose }: RestoreProperties) {
  const say = useWords();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const restore = async (): Promise<void> => {
    setBusy(true);
    try {
      await editor.restore(version, say("history.restored_comment", { version }));
      onClose();
    } catch (failure) {
      setBusy(false);
      setError(failure);
    }
  };
  return (
    <Dialog title={say("history.restore_title", { version })} onClose={onClose} testid="restore-dialog">
      <p>{say("history.restore_hint")}</p>
      {error !== null && (
        <p role="alert" className="problem-error">
          {explain(error)}
        </p>
      )}
      <div className="dialog-actions">
        <button type="button" className="button button-primary" disabled={busy} data-testid="restore-confirm" onClick={() => void restore()}>
          {say("history.restore")}
        </button>
        <button type="button" className="button" onClick={onClose}>
          {say("cancel")}
        </button>
      </div>
    </Dialog>
  );
}

interface Properties {
  editor: DocumentEditor;
  current: number;
  /** A draft would have to be put on top of the restored version: first finish it. */
  unsaved: boolean;
}

export function Versions({ editor, current, unsaved }: Properties) {
  const say = useWords();
  const list = useVersions(editor.api, current);
  const [open, setOpen] = useState<number | null>(null);
  const [restoring, setRestoring] = useState<number | null>(null);
  return (
    <div className="versions">
      <p className="field-help">{say("about.history")}</p>
      {unsaved && <p className="notice">{say("history.finish_first")}</p>}
      <ul data-testid="versions">
        {list.versions.map((info) => (
          <li key={info.version} data-testid="version">
            <div className="version-head">
              <strong>{say("history.version", { version: info.version })}</strong>
              {info.version === current && <span className="chip">{say("history.current")}</span>}
              <span>{info.author ?? "–"}</span>
              {info.saved_at !== null && <Moment at={info.saved_at} />}
              <span className="version-comment">{info.comment ?? ""}</span>
              <button
                type="button"
                className="button button-small"
                aria-expanded={open === info.version}
                aria-label={say("history.differences_of", { version: info.version })}
                onClick={() => setOpen(open === info.version ? null : info.version)}
              >
                {say("history.differences")}
              </button>
              {info.version !== current && (
                <button
                  type="button"
                  className="button button-small"
                  disabled={unsaved}
                  aria-label={say("history.restore_of", { version: info.version })}
                  onClick={() => setRestoring(info.version)}
                >
                  {say("history.restore")}
                </button>
              )}
            </div>
            {open === info.version && <Differences api={editor.api} version={info.version} />}
          </li>
        ))}
      </ul>
      {list.error !== null && (
        <div className="empty" role="alert">
          <p>{explain(list.error)}</p>
          <button type="button" className="button" onClick={list.more}>
            {say("retry")}
          </button>
        </div>
      )}
      {list.loading && <p className="empty" role="status">{say("loading")}</p>}
      {!list.loading && list.error === null && list.versions.length === 0 && <p className="empty">{say("empty.history")}</p>}
      {list.next !== null && !list.loading && (
        <button type="button" className="button" onClick={list.more}>
          {say("history.older")}
        </button>
      )}
      {restoring !== null && <RestoreDialog editor={editor} version={restoring} onClose={() => setRestoring(null)} />}
    </div>
  );
}
