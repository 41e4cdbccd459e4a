/** The elements of marks over the map. For the eye and the mouse only: a list says the same in words. */

import type { Mark } from "./scene";

const SVG = "http://www.w3.org/2000/svg";

/** A pin whose tip is the place; the arrow is beside it, so that it can turn. */
const PIN = "M12 31C5 21 2 16 2 11a10 10 0 0 1 20 0c0 5-3 10-10 20z";
const CROSS = "M4 4l16 16M20 4L4 20";
/** A disc around the place, with a car seen from the side in it. */
const CAR = "M12 0a12 12 0 1 1 0 24a12 12 0 1 1 0-24z";
const CAR_BODY =
  "M4.500 15.500v-3l2-.7 1.800-3.300h6l2.700 3.300 2.500.7v3h-1.700a1.900 1.900 0 0 1-3.800 0h-4a1.900 1.900 0 0 1-3.800 0z";
const SQUARE = "M3 4h18v14H3z";
const ARROW = "M12 1l6 11h-4v11h-4V12H6z";

function svg(path: string, className: string, height: number): SVGSVGElement {
  const image = document.createElementNS(SVG, "svg");
  image.setAttribute("class", className);
  image.setAttribute("viewBox", `0 0 24 ${height}`);
  image.setAttribute("width", "24");
  image.setAttribute("height", String(height));
  const shape = document.createElementNS(SVG, "path");
  shape.setAttribute("d", path);
  image.append(shape);
  return image;
}

export function createMark(): HTMLElement {
  const element = document.createElement("div");
  element.className = "map-mark";
  element.setAttribute("aria-hidden", "true");
  return element;
}

/** Brings the element up to date; touches nothing that is so already. */
export function updateMark(element: HTMLElement, mark: Mark): void {
  element.setAttribute("data-testid", "map-mark");
  element.dataset.kind = mark.kind;
  element.dataset.current = String(mark.current);
  element.dataset.trusted = String(mark.trusted);
  element.style.setProperty("--mark", mark.colour);
  // Not `opacity`, which MapLibre sets itself.
  element.style.setProperty("--mark-opacity", String(mark.opacity));
  const drawn = `${mark.kind}/${mark.heading}`;
  if (element.dataset.drawn !== drawn) {
    element.dataset.drawn = drawn;
    const text = document.createElement("span");
    text.className = "map-mark-text";
    element.replaceChildren(picture(mark), text);
    if (mark.heading !== null) {
      const arrow = svg(ARROW, "map-mark-heading", 24);
      arrow.style.rotate = `${mark.heading}deg`;
      element.append(arrow);
    }
  }
  const text = element.querySelector(".map-mark-text");
  if (text && text.textContent !== mark.text) text.textContent = mark.text;
}

function picture(mark: Mark): SVGSVGElement {
  if (mark.kind === "trail") return svg(CAR, "map-mark-trail", 24);
  if (mark.kind === "car") {
    const disc = svg(CAR, "map-mark-car", 24);
    const body = document.createElementNS(SVG, "path");
    body.setAttribute("d", CAR_BODY);
    body.setAttribute("class", "map-mark-body");
    disc.append(body);
    return disc;
  }
  if (mark.kind === "conflict") return svg(CROSS, "map-mark-cross", 24);
  if (mark.kind === "unit") return svg(SQUARE, "map-mark-unit", 22);
  return svg(PIN, "map-mark-pin", 32);
}
