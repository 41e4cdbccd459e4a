/** The map alone on a page, for the tests in Chromium: they set what it shows and read what it tells. */

import { createRoot } from "react-dom/client";
import { startI18n } from "../src/i18n";
import { MapView, type MapViewProperties, type Position } from "../src/map";
import "../src/styles/index.css";

interface Stage {
  /** Show that from now on; what is left out stays. */
  set: (properties: Partial<MapViewProperties>) => void;
  /** Every place that was picked, in order. */
  picks: Position[];
}

declare global {
  interface Window {
    stage: Stage;
  }
}

const root = createRoot(document.getElementById("root") ?? document.body);
let shown: MapViewProperties = { locations: [], current: null, conflicts: [] };

function render(): void {
  root.render(<MapView {...shown} onPick={(place) => window.stage.picks.push(place)} />);
}

window.stage = {
  picks: [],
  set(properties) {
    shown = { ...shown, ...properties };
    render();
  },
};

await startI18n("lv");
render();
