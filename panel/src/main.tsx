import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { startI18n } from "./i18n";
import { ErrorBoundary } from "./shared/ErrorBoundary";
import "./styles/index.css";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element with the id root");
await startI18n();
createRoot(root).render(
  <ErrorBoundary>
    <App />
  </ErrorBoundary>,
);
