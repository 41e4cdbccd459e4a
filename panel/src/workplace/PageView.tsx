/**
 * The pages beside call taking. Loaded when first wanted, and kept (out of sight) when the call
 * taker goes back to the workplace, so that a call never costs somebody a half-made change.
 */

import { lazy, Suspense, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { ErrorBoundary } from "../shared/ErrorBoundary";
import { LiveView } from "../supervise/LiveView";
import type { Page } from "./pages";

const DeskPage = lazy(async () => ({ default: (await import("../desk/DeskPage")).DeskPage }));
const RoutingPage = lazy(async () => ({ default: (await import("../routing/RoutingPage")).RoutingPage }));
const CataloguePage = lazy(async () => ({
  default: (await import("../catalogue/CataloguePage")).CataloguePage,
}));
const MessagingPage = lazy(async () => ({
  default: (await import("../messaging/MessagingPage")).MessagingPage,
}));
const PeoplePage = lazy(async () => ({ default: (await import("../people/PeoplePage")).PeoplePage }));

function Shell({ shown, children }: { shown: boolean; children: ReactNode }) {
  const { t } = useTranslation();
  return (
    <div className="page" hidden={!shown}>
      <ErrorBoundary>
        <Suspense fallback={<p className="empty" role="status">{t("app.loading")}</p>}>{children}</Suspense>
      </ErrorBoundary>
    </div>
  );
}

export function Pages({ page, onClose }: { page: Page | null; onClose: () => void }) {
  const [kept, setKept] = useState<readonly Page[]>([]);
  if (page !== null && !kept.includes(page)) setKept([...kept, page]);
  const close = (name: Page): void => {
    setKept((old) => old.filter((other) => other !== name));
    onClose();
  };
  return (
    <>
      {page === "live" && (
        <Shell shown>
          <LiveView onClose={onClose} />
        </Shell>
      )}
      {kept.includes("desk") && (
        <Shell shown={page === "desk"}>
          <DeskPage onClose={() => close("desk")} />
        </Shell>
      )}
      {kept.includes("routing") && (
        <Shell shown={page === "routing"}>
          <RoutingPage onClose={() => close("routing")} />
        </Shell>
      )}
      {kept.includes("catalogue") && (
        <Shell shown={page === "catalogue"}>
          <CataloguePage onClose={() => close("catalogue")} />
        </Shell>
      )}
      {kept.includes("messaging") && (
        <Shell shown={page === "messaging"}>
          <MessagingPage onClose={() => close("messaging")} />
        </Shell>
      )}
      {kept.includes("people") && (
        <Shell shown={page === "people"}>
          <PeoplePage onClose={() => close("people")} />
        </Shell>
      )}
    </>
  );
}
