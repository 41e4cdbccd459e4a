/** Everything that came, part by part: the car's messages in their order, and what else it was. */

import { useTranslation } from "react-i18next";
import type { DataItem } from "../api/ecall";
import { translateCode } from "../i18n";
import { Coordinates } from "../map";
import { Icon } from "../shared/Icon";
import { Moment } from "../shared/Time";
import { Lines, Octets, Oddities } from "./MSDDetails";
import { blockOf, itemLines } from "./words";

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
          <span className="car-warning">{t("ecall.unreadable_item", { error: item.error ?? "–" })}</span>
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

function Item({ item }: { item: DataItem }) {
  const { t } = useTranslation();
  return (
    <li className="car-item" data-testid="data-item" data-kind={item.kind} data-readable={item.error === null}>
      <p>
        <strong>{nameOf(item)}</strong> <Moment at={item.at} /> <span className="faint">{t(`ecall.via.${item.via}`)}</span>
      </p>
      {item.error !== null && (
        <p className="car-warning" data-testid="data-item-error">
          <Icon name="warning" size={16} /> {t("ecall.unreadable_item", { error: item.error })}
        </p>
      )}
      <Lines lines={itemLines(item)} />
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
