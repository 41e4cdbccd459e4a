/** Files on the card: photographs from the scene, documents. */

import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { attach, removeAttachment } from "../api/cards";
import type { Attachment, Card } from "../api/types";
import { attempt, useSession } from "../app/session";
import { fileSize } from "../shared/format";
import { Icon } from "../shared/Icon";
import { Moment } from "../shared/Time";

/** As the server bounds them; told before ten megabytes are sent in vain. */
const ATTACHMENT_BYTES_MAX = 10 * 1024 * 1024;

function Item({ attachment }: { attachment: Attachment }) {
  const { t } = useTranslation();
  const session = useSession();
  const remove = (): void => void attempt(session, () => removeAttachment(attachment.attachment_id));
  return (
    <li className="attachment" data-testid="attachment">
      <a href={`/api/attachments/${encodeURIComponent(attachment.attachment_id)}`} download={attachment.name}>
        {attachment.name}
      </a>
      <span className="faint">
        {fileSize(attachment.size)} · {attachment.author} · <Moment at={attachment.added_at} />
      </span>
      <button
        type="button"
        className="icon-button"
        aria-label={t("attachments.remove", { name: attachment.name })}
        title={t("attachments.remove", { name: attachment.name })}
        data-testid="attachment-remove"
        onClick={remove}
      >
        <Icon name="close" size={16} />
      </button>
    </li>
  );
}

export function Attachments({ card }: { card: Card }) {
  const { t } = useTranslation();
  const session = useSession();
  const input = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const add = async (files: readonly File[]): Promise<void> => {
    setBusy(true);
    for (const file of files) {
      if (file.size > ATTACHMENT_BYTES_MAX) session.toasts.show("error", t("attachments.too_large", { name: file.name }));
      else await attempt(session, () => attach(card.incident_id, file));
    }
    setBusy(false);
    if (input.current) input.current.value = "";
  };
  return (
    <section className="card-part" aria-labelledby="attachments-title" data-testid="attachments">
      <h3 id="attachments-title">
        <Icon name="card" /> {t("attachments.title")}
      </h3>
      {card.attachments.length === 0 && <p className="faint">{t("attachments.none")}</p>}
      <ul className="rows">
        {card.attachments.map((one) => (
          <Item key={one.attachment_id} attachment={one} />
        ))}
      </ul>
      <label className="attach">
        <span className="button button-small">{t(busy ? "attachments.busy" : "attachments.add")}</span>
        <input
          ref={input}
          type="file"
          multiple
          className="visually-hidden"
          disabled={busy}
          data-testid="attach"
          onChange={(event) => void add([...(event.target.files ?? [])])}
        />
      </label>
    </section>
  );
}
