/**
 * "Add or transfer": one window for everybody a conversation can be shared with or given to.
 *
 * The cursor stays in the search field all the time; arrows walk through the list under it (the
 * combobox pattern of WAI-ARIA), Enter does the usual thing, Shift and Ctrl with it the others.
 */

import { useEffect, useId, useRef, useState, type KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import type { TargetAction } from "../api/contacts";
import type { ContactMsg } from "../api/types";
import { useDirectory, useLive, useSession } from "../app/session";
import { translateCode } from "../i18n";
import { agentsByExtension, isText } from "../live/state";
import { Dialog } from "../shared/Dialog";
import { Icon } from "../shared/Icon";
import { sendTo } from "../workplace/actions";
import { Key } from "../workplace/strip-parts";
import { choicesFor, selectedOf, stepFrom, textChoicesFor, type Choice } from "./choices";

function useChoices(query: string, text: boolean): Choice[] {
  const state = useLive();
  const choices = text ? textChoicesFor : choicesFor;
  return choices(query, agentsByExtension(state), state.agentId, useDirectory());
}

/** Why a colleague cannot be chosen now; others always can. */
function Availability({ choice }: { choice: Choice }) {
  const { t } = useTranslation();
  const { agent } = choice;
  if (agent === null) return choice.group === "queues" ? <span className="faint">{t("target.queue_only")}</span> : null;
  const reason = agent.state === "not_ready" ? agent.presence.reason : null;
  return (
    <span className="state-line">
      <span className={`dot dot-${agent.state}`} aria-hidden="true" />
      {t(`agent.${agent.state}`)}
      {reason !== null && `: ${translateCode("presence.reason", reason, reason)}`}
    </span>
  );
}

interface OptionProperties {
  id: string;
  choice: Choice;
  selected: boolean;
  onSelect: () => void;
}

function Option({ id, choice, selected, onSelect }: OptionProperties) {
  const row = useRef<HTMLDivElement>(null);
  const possible = choice.actions.length > 0;
  useEffect(() => {
    // jsdom and old browsers lack it; without it only the scrolling is missing.
    if (selected) (row.current as { scrollIntoView?: (o: object) => void } | null)?.scrollIntoView?.({ block: "nearest" });
  }, [selected]);
  return (
    // The keyboard is in the search field, which walks through the options.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      ref={row}
      id={id}
      role="option"
      tabIndex={-1}
      aria-selected={selected}
      aria-disabled={!possible}
      className="target-option"
      data-testid="choice"
      data-choice={choice.id}
      onClick={possible ? onSelect : undefined}
    >
      <span className="target-title">{choice.title}</span>
      <span className="digits faint">{choice.detail}</span>
      <Availability choice={choice} />
    </div>
  );
}

/** The options under the heading of their group, in the order in which the arrows walk. */
function ChoiceList({ listId, choices, selected, onSelect }: {
  listId: string;
  choices: readonly Choice[];
  selected: Choice | null;
  onSelect: (choice: Choice) => void;
}) {
  const { t } = useTranslation();
  const groups = [...new Set(choices.map((choice) => choice.group))];
  return (
    <div id={listId} role="listbox" aria-label={t("target.list")} className="target-list" data-testid="choices">
      {groups.map((group) => (
        <div key={group} role="group" aria-label={t(`target.group.${group}`)}>
          <p className="target-group" aria-hidden="true">{t(`target.group.${group}`)}</p>
          {choices.filter((choice) => choice.group === group).map((choice) => (
            <Option
              key={choice.id}
              id={`${listId}-${choice.id}`}
              choice={choice}
              selected={choice.id === selected?.id}
              onSelect={() => onSelect(choice)}
            />
          ))}
        </div>
      ))}
    </div>
  );
}

/** What Enter does by itself: to talk first is the safest where it is possible. */
function usualAction(choice: Choice): TargetAction | null {
  return choice.actions[0] ?? null;
}

function actionOf(event: KeyboardEvent, choice: Choice): TargetAction | null {
  const wanted = event.shiftKey ? "transfer" : event.ctrlKey ? "invite" : usualAction(choice);
  return wanted !== null && choice.actions.includes(wanted) ? wanted : null;
}

const BUTTONS = [
  ["consult", "Enter"],
  ["transfer", "⇧Enter"],
  ["invite", "Ctrl+Enter"],
] as const;
/** Nobody is talked with first, and nobody added. */
const TEXT_BUTTONS = [["transfer", "Enter"]] as const;

export function TargetDialog({ contact, onClose }: { contact: ContactMsg; onClose: () => void }) {
  const { t } = useTranslation();
  const session = useSession();
  const listId = useId();
  const [query, setQuery] = useState("");
  const text = isText(contact);
  const choices = useChoices(query, text);
  const [chosenId, setChosenId] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const selected = selectedOf(choices, chosenId);
  // What stands as chosen on screen stays chosen, whoever becomes free or busy above it.
  if (chosenId === null && selected !== null) setChosenId(selected.id);

  const searchFor = t(text ? "texts.transfer_search" : "target.search");
  const send = async (action: TargetAction | null): Promise<void> => {
    if (selected === null || action === null || busy) return;
    setBusy(true);
    const done = await sendTo(session, contact, action, selected.target);
    setBusy(false);
    if (done) onClose();
  };
  const press = (event: KeyboardEvent): void => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setChosenId(stepFrom(choices, selected?.id ?? null, event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && selected !== null) {
      event.preventDefault();
      if (!event.repeat) void send(actionOf(event, selected));
    }
  };
  return (
    <Dialog title={t(text ? "texts.transfer_title" : "target.title")} onClose={onClose} testid="target-dialog">
      <div className="target-search search">
        <Icon name="search" />
        <input
          type="text"
          role="combobox"
          aria-label={searchFor}
          aria-expanded={choices.length > 0}
          aria-controls={listId}
          aria-autocomplete="list"
          {...(selected ? { "aria-activedescendant": `${listId}-${selected.id}` } : {})}
          placeholder={searchFor}
          autoComplete="off"
          // The window was asked for a moment ago; the search is what it is for.
          // eslint-disable-next-line jsx-a11y/no-autofocus
          autoFocus
          value={query}
          data-testid="target-search"
          onChange={(event) => {
            setQuery(event.target.value);
            setChosenId(null);
          }}
          onKeyDown={press}
        />
      </div>
      <ChoiceList listId={listId} choices={choices} selected={selected} onSelect={(choice) => setChosenId(choice.id)} />
      {choices.length === 0 && <p className="empty" role="status" data-testid="target-none">{t(text ? "common.nothing_found" : "target.none")}</p>}
      <div className="dialog-actions">
        {(text ? TEXT_BUTTONS : BUTTONS).map(([action, key]) => (
          <button
            key={action}
            type="button"
            className={selected !== null && usualAction(selected) === action ? "button button-primary" : "button"}
            disabled={busy || !selected?.actions.includes(action)}
            title={t(text ? "texts.transfer_hint" : `target.${action}_hint`)}
            data-testid={`target-${action}`}
            onClick={() => void send(action)}
          >
            {t(`target.${action}`)} <Key>{key}</Key>
          </button>
        ))}
        <button type="button" className="button" data-testid="target-close" onClick={onClose}>
          {t("common.close")} <Key>Esc</Key>
        </button>
      </div>
    </Dialog>
  );
}
