/** Everything that came, part by part: the car's messages in their order, and what else it was. */

import { useTranslation } from "react-i18next";
import type { DataItem } from "../api/ecall";
import { translateCode } from "../i18n";
import { Coordinates } from "../map";
import { metres } from "../shared/format";
import { Moment } from "../shared/Time";
import { FaultNote, Lines, Octets, Oddities } from "./MSDDetails";
import { blockOf, itemLines, placesOf, type ToldPlace } from "./words";

function Message({ item }: { item: DataItem }) {
  const { t } = useTranslation();
  const { msd } = item;
  return (
    <tr data-testid="car-message-row" data-readable={msd !== null}>
      <td>
        <Moment at={item.at} />
      </td>
      <td>{t(`ecall.via.${item.via}`)}</td>
      {msd === null ? (
        <td colSpan={3}>
          <FaultNote item={item} />
          <Octets hex={item.hex ?? ""} />
        </td>
      ) : (
        <>
          <td className="digits">{msd.message_identifier}</td>
          <td>{t(`ecall.mark.${msd.test ? "test" : msd.automatic ? "automatic" : "manual"}`)}</td>
          <td>
            {msd.lat === null || msd.lon === null ? (
              t("ecall.unknown")
            ) : (
              <>
                <Coordinates place={{ lat: msd.lat, lon: msd.lon }} />{" "}
                {!msd.trusted && <span className="car-doubt">{t("ecall.untrusted_short")}</span>}
              </>
            )}
            <Octets hex={msd.hex} />
          </td>
        </>
      )}
    </tr>
  );
}

export function Messages({ items, open }: { items: readonly DataItem[]; open: boolean }) {
  const { t } = useTranslation();
  const messages = items.filter(({ kind }) => kind === "msd");
  if (messages.length === 0) return null;
  return (
    <details className="car-all" data-testid="car-messages" open={open}>
      <summary>{t("ecall.all", { count: messages.length })}</summary>
      <div className="car-table">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">{t("ecall.column.came")}</th>
              <th scope="col">{t("ecall.column.via")}</th>
              <th scope="col">{t("ecall.column.number")}</th>
              <th scope="col">{t("ecall.column.raised")}</th>
              <th scope="col">{t("ecall.position")}</th>
            </tr>
          </thead>
          <tbody>
            {messages.map((item) => (
              <Message key={item.item_id} item={item} />
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function nameOf(item: DataItem): string {
  const block = blockOf(item);
  const kind = translateCode("ecall.item", item.kind, item.kind);
  return block === null ? kind : translateCode("ecall.purpose", block, block);
}

/** `circle · 56.94960, 24.10520 · 45 m · sure to: 95 % · found by: GPS`. */
function PlaceLine({ place }: { place: ToldPlace }) {
  const { t } = useTranslation();
  const { shape, at, radius, confidence, method, provider, address } = place;
  const named = (field: string, value: string): string => (value === "" ? "" : `${t(`ecall.field.${field}`)}: ${value}`);
  const told = [
    radius === null ? "" : metres(radius),
    confidence === null ? "" : named("confidence", `${Math.round(confidence * 100)} %`),
    named("method", method),
    named("provided_by", provider),
    named("address", address),
  ].filter((part) => part !== "");
  return (
    <li data-testid="data-place">
      {shape !== null && <span>{translateCode("ecall.shape", shape, shape)} </span>}
      {at !== null && <Coordinates place={at} />}
      {told.length > 0 && <span> · {told.join(" · ")}</span>}
    </li>
  );
}

/** Names and values that have words; a document's own stand for themselves. */
function inWords(lines: readonly [name: string, value: string][]): [name: string, value: string][] {
  return lines.map(([name, value]) => [
    translateCode("ecall.field", name, name),
    value === "true" || value === "false" ? translateCode("ecall.field", value, value) : value,
  ]);
}

function Item({ item }: { item: DataItem }) {
  const { t } = useTranslation();
  const places = placesOf(item);
  return (
    <li className="car-item" data-testid="data-item" data-kind={item.kind} data-readable={item.error === null}>
      <p>
        <strong>{nameOf(item)}</strong> <Moment at={item.at} /> <span className="faint">{t(`ecall.via.${item.via}`)}</span>
      </p>
      <FaultNote item={item} />
      {places.length > 0 && (
        <ul className="car-places">
          {places.map((place, index) => (
            <PlaceLine key={index} place={place} />
          ))}
        </ul>
      )}
      <Lines lines={inWords(itemLines(item))} />
      <Oddities oddities={item.oddities} />
      {item.text !== null && item.text !== "" && (
        <details>
          <summary>
            {t("ecall.text_title")}{" "}
            <span className="faint">
              {item.content_type ?? ""} {t("ecall.bytes", { count: item.size })}
            </span>
          </summary>
          <pre className="car-text">{item.text}</pre>
        </details>
      )}
      {item.hex !== null && <Octets hex={item.hex} />}
    </li>
  );
}

/** Also what cannot be read: it stands there with its octets. */
export function OtherItems({ items, open }: { items: readonly DataItem[]; open: boolean }) {
  const { t } = useTranslation();
  const others = items.filter(({ kind }) => kind !== "msd");
  if (others.length === 0) return null;
  return (
    <details className="car-all" data-testid="data-others" open={open}>
      <summary>{t("ecall.other", { count: others.length })}</summary>
      <ul className="car-items">
        {others.map((item) => (
          <Item key={item.item_id} item={item} />
        ))}
      </ul>
    </details>
  );
}
