import { useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "./Icon";
import type { ToastStore } from "./toast-store";

export function Toasts({ store }: { store: ToastStore }) {
  const { t } = useTranslation();
  const toasts = useSyncExternalStore(store.subscribe, store.getToasts);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {toasts.map((toast) => (
        <div key={toast.id} className={`toast toast-${toast.tone}`} data-testid="toast">
          <Icon name={toast.tone === "error" ? "warning" : "info"} />
          <span>{toast.text}</span>
          <button
            type="button"
            className="icon-button"
            aria-label={t("common.close")}
            onClick={() => store.dismiss(toast.id)}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
