import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds a running ccserver. */
const SERVER = "http://127.0.0.1:8080";

// `vite build --mode stage` builds the pages of panel/tests too, for the tests in Chromium.
export default defineConfig(({ mode }) => ({
  plugins: [react()],
  build: {
    outDir: "dist",
    // The content security policy of the server allows no data: addresses, so nothing is inlined.
    assetsInlineLimit: 0,
    target: "es2022",
    sourcemap: false,
    ...(mode === "stage" && { rolldownOptions: { input: ["index.html", "tests/map-stage.html"] } }),
    // The panel is one file, loaded once per shift from the local network; MapLibre is another,
    // loaded with the first map.
    chunkSizeWarningLimit: 1_200,
  },
  server: {
    host: "127.0.0.1",
    proxy: { "/api": { target: SERVER, ws: true } },
  },
  preview: { host: "127.0.0.1" },
  test: {
    environment: "jsdom",
    // One worker and one DOM for all files: starting a DOM takes longer than the tests themselves.
    maxWorkers: 1,
    isolate: false,
    setupFiles: ["tests/setup.ts"],
    include: ["tests/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    testTimeout: 20_000,
  },
}));
