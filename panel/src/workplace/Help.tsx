import { useTranslation } from "react-i18next";
import { Dialog } from "../shared/Dialog";

const SHORTCUTS = [
  ["F1", "help"],
  ["⇧F1", "ask_car"],
  ["F2", "answer"],
  ["⇧F2", "accept_text"],
  ["F3", "search"],
  ["⇧F3", "join"],
  ["F4", "hold"],
  ["⇧F4", "mute"],
  ["F6", "notes"],
  ["⇧F6", "type"],
  ["F7", "ready"],
  ["⇧F7", "next_text"],
  ["F8", "hang_up"],
  ["⇧F8", "clear_down"],
  ["F9", "done"],
  ["⇧F9", "extend"],
  ["F10", "add"],
  ["Ctrl+Enter", "send_text"],
  ["/", "snippet"],
  ["Esc", "leave"],
] as const;

export function Help({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Dialog title={t("help.title")} onClose={onClose} testid="help">
      <dl className="shortcuts">
        {SHORTCUTS.map(([key, name]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{t(`help.${name}`)}</dd>
          </div>
        ))}
      </dl>
      <p className="hint">{t("help.hint")}</p>
      <button type="button" className="button button-primary" onClick={onClose} data-testid="help-close">
        {t("common.close")}
      </button>
    </Dialog>
  );
}
