/** Who is with whom: the citizen and everybody else in the conversation, with what each does. */

import { useTranslation } from "react-i18next";
import type { ContactMsg, Party, PartyState } from "../api/types";
import { useDirectory, useLive, useSession } from "../app/session";
import { readableNumber } from "../shared/format";
import { Icon, type IconName } from "../shared/Icon";
import { doOn, drop } from "../workplace/actions";
import { partyName } from "./party-name";
import { isInvited, isResponsible, othersOf } from "./stage";

const STATE_ICONS: Record<PartyState, IconName> = {
  ringing: "bell",
  talking: "phone",
  held: "pause",
  listening: "headset",
  whispering: "headset",
};

function StateMark({ state }: { state: PartyState }) {
  const { t } = useTranslation();
  return (
    <span className={`party-state party-${state}`}>
      <Icon name={STATE_ICONS[state]} size={16} /> {t(`party.${state}`)}
    </span>
  );
}

/** The citizen's side as a party's state. */
function citizenState(contact: ContactMsg): PartyState {
  if (contact.state === "dialling") return "ringing";
  return contact.on_hold ? "held" : "talking";
}

function Row({ contact, party, removable }: { contact: ContactMsg; party: Party; removable: boolean }) {
  const { t } = useTranslation();
  const session = useSession();
  const state = useLive();
  const name = partyName(party, state, useDirectory());
  const number = party.number === null ? null : readableNumber(party.number);
  const remove = (): void => {
    if (isInvited(party)) void doOn(session, contact, "cancel");
    else void drop(session, contact, party.party_id);
  };
  return (
    <li className="party" data-testid="party" data-party={party.party_id} data-state={party.state}>
      <span className="party-name">
        {name || t(`party.kind.${party.kind}`)}
        <span className="faint">
          {" "}
          {t(`party.kind.${party.kind}`)}
          {number !== null && number !== name && ` · ${number}`}
        </span>
      </span>
      <StateMark state={party.state} />
      {party.muted && (
        <span className="party-state" data-testid="party-muted">
          <Icon name="mic-off" size={16} /> {t("party.muted")}
        </span>
      )}
      {removable && (
        <button
          type="button"
          className="button button-small"
          aria-label={t(party.state === "ringing" ? "party.cancel_who" : "party.drop_who", { who: name })}
          data-testid="party-drop"
          onClick={remove}
        >
          <Icon name="close" size={16} /> {t(party.state === "ringing" ? "party.cancel" : "party.drop")}
        </button>
      )}
    </li>
  );
}

/** Nothing for a plain conversation of two. */
export function Parties({ contact }: { contact: ContactMsg }) {
  const { t } = useTranslation();
  const state = useLive();
  const others = othersOf(contact, state.agentId, state);
  if (others.length === 0) return null;
  const mine = isResponsible(contact, state.agentId);
  const removable = (party: Party): boolean => mine && (party.state === "ringing" || !contact.on_hold) && party.kind !== "supervisor";
  return (
    <ul className="parties" aria-label={t("party.title")} aria-live="polite" data-testid="parties">
      <li className="party" data-testid="party-citizen" data-state={citizenState(contact)}>
        <span className="party-name">{t("party.citizen")}</span>
        <StateMark state={citizenState(contact)} />
      </li>
      {others.map((party) => (
        <Row key={party.party_id} contact={contact} party={party} removable={removable(party)} />
      ))}
    </ul>
  );
}
