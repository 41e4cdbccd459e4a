import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterEach, beforeAll, beforeEach } from "vitest";
import { changeLanguage, startI18n } from "../src/i18n";

// Long, for a busy machine; a test that passes never waits for it.
configure({ asyncUtilTimeout: 10_000 });

beforeAll(async () => {
  await startI18n("en");
});

beforeEach(async () => {
  await changeLanguage("en");
});

afterEach(() => {
  cleanup();
  sessionStorage.clear();
  localStorage.clear();
});

// jsdom has no media queries; nothing in these tests depends on their answer.
window.matchMedia = (query) => ({ matches: false, media: query }) as MediaQueryList;

// jsdom knows <dialog> but cannot open one as a modal.
HTMLDialogElement.prototype.showModal = function showModal(this: HTMLDialogElement) {
  this.open = true;
};
