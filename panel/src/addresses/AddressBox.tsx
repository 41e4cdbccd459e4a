/**
 * The field in which an address is typed and chosen from the register (WAI-ARIA's combobox with a list).
 *
 * What is typed is always kept: the register proposes, the call taker decides. Arrows walk through the
 * list, Enter takes the marked address, Escape closes the list, Tab goes on with what is typed.
 * The field knows nothing of cards; whoever shows it keeps `value`.
 */

import { useEffect, useId, useRef, useState, type KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import { QUERY_LENGTH_MAX, type Address, type MapPoint } from "../api/addresses";
import { currentLanguage } from "../i18n";
import { Icon } from "../shared/Icon";
import { distance, splitAddress } from "./words";
import { useAddresses, type AddressesFound } from "./useAddresses";

export interface AddressBoxProps {
  /** What stands in the field. */
  value: string;
  /** Where the caller or the incident is: what is there comes first, with its distance. */
  near: MapPoint | null;
  /** An address was taken from the register; its `text` belongs into `value`. */
  onChoose: (address: Address) => void;
  /** Something was typed. */
  onText: (text: string) => void;
  /** Of the field, where no label stands beside it. */
  label?: string;
  disabled?: boolean;
}

function AddressOption({ id, address, marked, onChoose }: {
  id: string;
  address: Address;
  marked: boolean;
  onChoose: () => void;
}) {
  const { t } = useTranslation();
  const row = useRef<HTMLDivElement>(null);
  const [first, rest] = splitAddress(address.text);
  useEffect(() => {
    // jsdom and old browsers lack it; without it only the scrolling is missing.
    if (marked) (row.current as { scrollIntoView?: (o: object) => void } | null)?.scrollIntoView?.({ block: "nearest" });
  }, [marked]);
  return (
    // The keyboard is in the field, which walks through the options.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      ref={row}
      id={id}
      role="option"
      tabIndex={-1}
      aria-selected={marked}
      className="address-option"
      data-testid="address-option"
      data-code={address.code}
      onClick={onChoose}
    >
      <span className="address-text">
        <span className="address-first">{first}</span>
        {rest !== "" && <span className="faint"> {rest}</span>}
        {address.former_text !== null && (
          <span className="address-note">{t("address.former", { name: address.former_text })}</span>
        )}
        {address.old && <span className="address-note address-gone">{t("address.gone")}</span>}
      </span>
      {address.kind !== "building" && <span className="badge">{t(`address.kind.${address.kind}`)}</span>}
      {address.distance_m !== null && (
        <span className="address-distance digits faint">{distance(currentLanguage(), address.distance_m)}</span>
      )}
    </div>
  );
}

/** What is told under the field and to screen readers; nothing while all is well and known. */
function useTold(found: AddressesFound, open: boolean): { text: string; shown: boolean } {
  const { t } = useTranslation();
  if (!open) return { text: "", shown: false };
  if (!found.current) return { text: t("address.searching"), shown: found.addresses.length === 0 };
  if (found.fault !== null) return { text: t(`address.${found.fault}`), shown: true };
  if (found.addresses.length === 0) return { text: t("address.none"), shown: true };
  return { text: t("address.found", { number: found.addresses.length }), shown: false };
}

export function AddressBox({ value, near, onChoose, onText, label, disabled = false }: AddressBoxProps) {
  const { t } = useTranslation();
  const listId = useId();
  // Only what was typed here is looked for, not what a card brings along.
  const [open, setOpen] = useState(false);
  const [marked, setMarked] = useState(0);
  const found = useAddresses(value, near, open && !disabled);
  const asked = open && !disabled && value.trim() !== "";
  const told = useTold(found, asked);
  const { addresses } = found;
  const shown = asked && addresses.length > 0;
  // An address that answers an older text can be seen, but Enter must not take it.
  const choice = shown && found.current ? addresses[Math.min(marked, addresses.length - 1)] : undefined;

  const choose = (address: Address): void => {
    setOpen(false);
    onChoose(address);
  };
  const press = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setMarked(open && shown ? stepped(marked, addresses.length, event.key === "ArrowDown" ? 1 : -1) : 0);
      setOpen(true);
    } else if (event.key === "Enter" && shown) {
      event.preventDefault();
      if (choice !== undefined && !event.repeat) choose(choice);
    } else if (event.key === "Escape" && asked) {
      // A window around the field stays: the first Escape is the list's.
      event.preventDefault();
      event.stopPropagation();
      setOpen(false);
    }
  };
  return (
    <div className="address-box" data-testid="address-box">
      <div className="address-field">
        <Icon name="search" />
        <input
          type="text"
          role="combobox"
          aria-label={label ?? t("address.label")}
          aria-expanded={shown}
          aria-controls={listId}
          aria-autocomplete="list"
          aria-busy={asked && !found.current}
          {...(choice ? { "aria-activedescendant": `${listId}-${choice.code}` } : {})}
          placeholder={t("address.placeholder")}
          autoComplete="off"
          spellCheck={false}
          maxLength={QUERY_LENGTH_MAX}
          disabled={disabled}
          value={value}
          data-testid="address-input"
          onChange={(event) => {
            setMarked(0);
            setOpen(true);
            onText(event.target.value);
          }}
          onKeyDown={press}
          onBlur={() => setOpen(false)}
        />
      </div>
      <div
        id={listId}
        role="listbox"
        tabIndex={-1}
        aria-label={t("address.list")}
        className="address-list"
        hidden={!shown}
        // Else the field would lose the cursor, and with it the list, also to the list's scroll bar.
        onMouseDown={(event) => event.preventDefault()}
      >
        {shown && addresses.map((address) => (
          <AddressOption
            key={address.code}
            id={`${listId}-${address.code}`}
            address={address}
            marked={address === choice}
            onChoose={() => choose(address)}
          />
        ))}
      </div>
      <p role="status" className={told.shown ? "address-told" : "visually-hidden"} data-testid="address-told">
        {told.text}
      </p>
    </div>
  );
}

/** The next place in a ring of `length`. */
function stepped(from: number, length: number, by: number): number {
  return (Math.min(from, length - 1) + by + length) % length;
}
