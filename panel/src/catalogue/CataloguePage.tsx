/** The editor of the catalogue, for supervisors and admins. */

import { useLive, useSession } from "../app/session";
import { useEditing } from "../documents/context";
import { EditorPage, type Shown } from "../documents/EditorPage";
import { ItemList } from "../documents/ItemList";
import { itemsOf, type AnyDocument, type Item } from "../documents/kind";
import { useWords } from "../documents/words";
import { LISTS, newArea } from "./document";
import { codeOf, type Feature } from "./geojson";
import { CATALOGUE } from "./kind";
import { GeoJSONInput } from "./PolygonsField";

/** Each feature becomes an area; one whose code is there already gets the new outline. */
function withAreas(document: AnyDocument, features: readonly Feature[]): AnyDocument {
  const areas: Item[] = [...itemsOf(document, "areas")];
  features.forEach((feature, number) => {
    const code = codeOf(feature.name) || `area_${areas.length + number + 1}`;
    const at = areas.findIndex((area) => area.code === code);
    if (at >= 0) areas[at] = { ...areas[at], polygons: feature.polygons };
    else {
      const titles = { lv: feature.name, ru: feature.name, en: feature.name };
      areas.push({ ...newArea(code, feature.polygons), titles });
    }
  });
  return { ...document, areas };
}

function AreaImport() {
  const say = useWords();
  const { toasts } = useSession();
  const { editor } = useEditing();
  return (
    <details className="area-import">
      <summary>{say("geojson.import")}</summary>
      <p className="field-help">{say("geojson.import_help")}</p>
      <GeoJSONInput
        label={say("geojson.file")}
        onRead={(features) => {
          editor.edit((old) => withAreas(old, features));
          toasts.show("info", say("geojson.imported", { count: features.length }));
        }}
      />
    </details>
  );
}

function Body({ section, selected, onSelect }: Shown) {
  return (
    <ItemList
      key={section}
      list={section}
      selected={selected}
      onSelect={onSelect}
      {...(section === "areas" ? { more: <AreaImport /> } : {})}
    />
  );
}

export function CataloguePage({ onClose }: { onClose: () => void }) {
  const { catalogueVersion } = useLive();
  return (
    <EditorPage kind={CATALOGUE} icon="catalogue" sections={LISTS} told={catalogueVersion} onClose={onClose}>
      {(shown) => <Body {...shown} />}
    </EditorPage>
  );
}
