/** Typed coordinates in, the present ones out: both systems, with a button that copies. */

import { useId, useState, type SyntheticEvent } from "react";
import { useTranslation } from "react-i18next";
import { CopyText } from "../shared/CopyText";
import { isNear, lks92Text, parseCoordinates, wgs84Text } from "./coordinates";
import type { Position } from "./types";

export function Coordinates({ place }: { place: Position }) {
  const metres = lks92Text(place);
  return (
    <span className="map-coordinates">
      <span className="digits" data-testid="map-wgs84">
        {wgs84Text(place)}
      </span>
      {metres !== null && (
        <span className="digits faint" data-testid="map-lks92">
          LKS-92 {metres}
        </span>
      )}
    </span>
  );
}

export function CopyButton({ place }: { place: Position }) {
  const metres = lks92Text(place);
  const text = metres === null ? wgs84Text(place) : `${wgs84Text(place)} (LKS-92 ${metres})`;
  return <CopyText text={text} testid="map-copy" />;
}

interface Properties {
  /** The place that is shown under the field, if any. */
  place?: Position | null;
  onPick: (place: Position) => void;
}

export function CoordinateBox({ place = null, onPick }: Properties) {
  const { t } = useTranslation();
  const id = useId();
  const [text, setText] = useState("");
  const [said, setSaid] = useState<"" | "empty" | "unreadable" | "outside" | "far">("");
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    const parsed = parseCoordinates(text);
    if ("fault" in parsed) {
      setSaid(parsed.fault);
      return;
    }
    setSaid(isNear(parsed.position) ? "" : "far");
    onPick(parsed.position);
  };
  const faulty = said !== "" && said !== "far";
  return (
    <form className="map-box" onSubmit={submit} data-testid="map-box">
      <label htmlFor={id}>{t("map.typed")}</label>
      <div className="map-box-line">
        <input
          id={id}
          type="text"
          value={text}
          autoComplete="off"
          spellCheck={false}
          placeholder="56.94960, 24.10520"
          aria-describedby={`${id}-said`}
          aria-invalid={faulty}
          onChange={(event) => {
            setText(event.target.value);
            setSaid("");
          }}
          data-testid="map-typed"
        />
        <button type="submit" className="button" data-testid="map-show">
          {t("map.show")}
        </button>
      </div>
      <p id={`${id}-said`} role={said === "" ? undefined : "alert"} className={faulty ? "map-fault" : "map-hint"}>
        {said === "" ? t("map.typed_help") : t(`map.typed_${said}`)}
      </p>
      {place !== null && (
        <div className="map-box-line">
          <Coordinates place={place} />
          <CopyButton place={place} />
        </div>
      )}
    </form>
  );
}
