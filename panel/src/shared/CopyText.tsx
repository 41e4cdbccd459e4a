/** A button that puts a text into the clipboard, and says whether that worked. */

import { useState } from "react";
import { useTranslation } from "react-i18next";

/** So long "copied" stands beside the button. */
const COPIED_MS = 2_000;

interface Properties {
  text: string;
  /** Says what is copied, to those who do not see what the button stands beside. */
  label?: string;
  /** Beside a line of text. */
  small?: boolean;
  testid: string;
}

export function CopyText({ text, label, small = false, testid }: Properties) {
  const { t } = useTranslation();
  const [outcome, setOutcome] = useState<"" | "copied" | "not_copied">("");
  const copy = async (): Promise<void> => {
    try {
      // Not there on a page without TLS; then the text can still be marked by hand.
      await navigator.clipboard.writeText(text);
      setOutcome("copied");
    } catch {
      setOutcome("not_copied");
    }
    window.setTimeout(() => setOutcome(""), COPIED_MS);
  };
  return (
    <>
      <button
        type="button"
        className={small ? "button button-small" : "button map-copy"}
        aria-label={label}
        onClick={() => void copy()}
        data-testid={testid}
      >
        {t("map.copy")}
      </button>
      <span role="status" className="faint">
        {outcome === "copied" && t("map.copied")}
        {outcome === "not_copied" && t("map.not_copied")}
      </span>
    </>
  );
}
