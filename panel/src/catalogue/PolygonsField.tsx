/** The outline of an area: what there is of it, and another one from a GeoJSON file or text. */

import { useState } from "react";
import { useEditing, useSet } from "../documents/context";
import { Field } from "../documents/Field";
import { useTexts } from "../documents/inputs";
import { useKind } from "../documents/kind";
import { getIn } from "../documents/paths";
import type { OwnProperties } from "../documents/specs";
import { useWords } from "../documents/words";
import type { Polygon } from "./document";
import { extentOf, GeoJSONInvalid, readGeoJSON, type Feature } from "./geojson";

/** A file or pasted text of GeoJSON, for whoever takes its features. */
export function GeoJSONInput({ label, onRead }: { label: string; onRead: (features: Feature[]) => void }) {
  const say = useWords();
  const kind = useKind();
  const [text, setText] = useState("");
  const [failure, setFailure] = useState<string | null>(null);
  const read = (source: string): void => {
    try {
      onRead(readGeoJSON(source));
      setText("");
      setFailure(null);
    } catch (error) {
      if (!(error instanceof GeoJSONInvalid)) throw error;
      setFailure(say(`geojson.${error.code}`));
    }
  };
  const choose = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    if (file.size > kind.fileBytesMax) setFailure(say("import.too_large", { limit: kind.fileBytesMax / 1024 / 1024 }));
    else read(await file.text());
  };
  return (
    <div className="geojson">
      <label className="field">
        <span className="field-label">{label}</span>
        <input
          type="file"
          accept=".geojson,.json,application/geo+json,application/json"
          data-testid="geojson-file"
          onChange={(event) => void choose(event.target.files?.[0])}
        />
      </label>
      <label className="field">
        <span className="field-label">{say("geojson.text")}</span>
        <textarea
          rows={3}
          className="code"
          spellCheck={false}
          data-testid="geojson-text"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setFailure(null);
          }}
        />
      </label>
      <button
        type="button"
        className="button button-small"
        disabled={text.trim() === ""}
        data-testid="geojson-take"
        onClick={() => read(text)}
      >
        {say("geojson.take")}
      </button>
      {failure !== null && (
        <p className="problem-error" role="alert" data-testid="geojson-failed">
          {failure}
        </p>
      )}
    </div>
  );
}

export function PolygonsField({ spec, path }: OwnProperties) {
  const say = useWords();
  const set = useSet();
  const texts = useTexts(spec);
  const { document } = useEditing();
  const polygons = (getIn(document, path) ?? []) as Polygon[];
  const extent = extentOf(polygons);
  return (
    <Field path={path} label={texts.label} help={texts.help} group below>
      {() => (
        <>
          <p data-testid="extent">
            {extent === null
              ? say("none.polygons")
              : say("extent", {
                  polygons: polygons.length,
                  corners: extent.corners,
                  west: extent.west,
                  south: extent.south,
                  east: extent.east,
                  north: extent.north,
                })}
          </p>
          <GeoJSONInput
            label={say("geojson.replace")}
            onRead={(features) => set(path, features.flatMap((feature) => feature.polygons))}
          />
        </>
      )}
    </Field>
  );
}
