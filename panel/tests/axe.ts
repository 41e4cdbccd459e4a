/** Checks a piece of the screen by the rules of axe; what needs a real layout is left out. */

import axe from "axe-core";

/** What axe finds wrong, with the elements; empty if nothing. */
export async function faults(root: Element = document.body): Promise<string[]> {
  const found = await axe.run(root, {
    // jsdom paints nothing, so there are no colours to compare.
    rules: { "color-contrast": { enabled: false } },
  });
  return found.violations.map((fault) => `${fault.id}: ${fault.nodes.map((node) => node.html).join(" ")}`);
}
