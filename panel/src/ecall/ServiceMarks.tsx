/** What a contact asked for, in signs and words: how an eCall began, which service, whether it is a test. */

import { useTranslation } from "react-i18next";
import type { CardSummary } from "../api/types";
import { Icon } from "../shared/Icon";
import { eCallKind, isTest, namedService, type Asked } from "./service";

/** Nothing for an ordinary call to 112. */
export function ServiceMarks({ asked }: { asked: Asked }) {
  const { t } = useTranslation();
  const kind = eCallKind(asked);
  const named = namedService(asked.service);
  return (
    <>
      {kind !== null && (
        <span className={`badge badge-ecall badge-ecall-${kind}`} data-testid="mark-ecall" data-kind={kind}>
          <Icon name={kind === "test" ? "test" : "car"} size={16} /> {t(`ecall.mark.${kind}`)}
        </span>
      )}
      {kind !== "test" && isTest(asked) && (
        <span className="badge badge-ecall badge-ecall-test" data-testid="mark-test">
          <Icon name="test" size={16} /> {t("ecall.mark.other_test")}
        </span>
      )}
      {named !== null && (
        <span className="badge badge-service" data-testid="mark-service" data-service={named}>
          <Icon name="siren" size={16} /> {t(`ecall.service.${named}`)}
        </span>
      )}
      {asked.vehicle?.data === "none" && (
        <span className="badge badge-strong" data-testid="mark-no-data">
          <Icon name="no-data" size={16} /> {t("ecall.mark.none")}
        </span>
      )}
      {asked.vehicle?.data === "unreadable" && (
        <span className="badge badge-strong" data-testid="mark-unreadable">
          <Icon name="warning" size={16} /> {t("ecall.mark.unreadable")}
        </span>
      )}
    </>
  );
}

/** The same of a card in a list. */
export function CardServiceMarks({ card }: { card: CardSummary }) {
  return <ServiceMarks asked={{ service: card.service ?? null, test: card.test ?? false }} />;
}

/** Said so large that nobody sends help to a workshop, and nobody takes a real call for a test. */
export function TestBanner({ asked }: { asked: Asked }) {
  const { t } = useTranslation();
  if (!isTest(asked)) return null;
  return (
    <div className="test-banner" role="note" data-testid="test-banner">
      <Icon name="test" size={36} />
      <div>
        <p className="test-banner-title">{t("ecall.test_title")}</p>
        <p>{t("ecall.test_text")}</p>
      </div>
    </div>
  );
}
