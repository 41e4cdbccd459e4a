/** Narrows the list of cards by status, type, call taker, service, tests and days. */

import { useId } from "react";
import { useTranslation } from "react-i18next";
import { useCatalogue, useLive } from "../app/session";
import { agentsByExtension } from "../live/state";
import { Combobox } from "../shared/Combobox";
import { typeOptions } from "./field-values";
import { isNarrowed, NO_FILTER, type CardFilter } from "./filter";

interface Properties {
  filter: CardFilter;
  onChange: (filter: CardFilter) => void;
}

const STATUSES = ["", "open", "closed"] as const;
const TESTS = ["", "false", "true"] as const;
/** Those by which one looks; any other that is asked for is found by its parent. */
const SERVICES = ["sos", "ecall", "ecall_automatic", "ecall_manual", "police", "fire", "ambulance"] as const;

function urnOf(service: (typeof SERVICES)[number]): string {
  return service === "sos" ? "urn:service:sos" : `urn:service:sos.${service.replace("_", ".")}`;
}

function AskedFor({ filter, onChange }: Properties) {
  const { t } = useTranslation();
  const id = useId();
  return (
    <>
      <div className="member">
        <label htmlFor={`${id}-service`}>{t("filter.service")}</label>
        <select
          id={`${id}-service`}
          data-testid="filter-service"
          value={filter.service}
          onChange={(event) => onChange({ ...filter, service: event.target.value })}
        >
          <option value="">{t("filter.any_service")}</option>
          {SERVICES.map((service) => (
            <option key={service} value={urnOf(service)}>
              {t(`filter.service_of.${service}`)}
            </option>
          ))}
        </select>
      </div>
      <div className="member">
        <label htmlFor={`${id}-test`}>{t("filter.test")}</label>
        <select
          id={`${id}-test`}
          data-testid="filter-test"
          value={filter.test}
          onChange={(event) => onChange({ ...filter, test: event.target.value as CardFilter["test"] })}
        >
          {TESTS.map((test) => (
            <option key={test} value={test}>
              {t(`filter.test_of.${test || "all"}`)}
            </option>
          ))}
        </select>
      </div>
    </>
  );
}

function Day({ name, filter, onChange }: Properties & { name: "from" | "to" }) {
  const { t } = useTranslation();
  const id = useId();
  return (
    <div className="member">
      <label htmlFor={id}>{t(`filter.${name}`)}</label>
      <input
        id={id}
        type="date"
        data-testid={`filter-${name}`}
        value={filter[name]}
        onChange={(event) => onChange({ ...filter, [name]: event.target.value })}
      />
    </div>
  );
}

export function FilterForm({ filter, onChange }: Properties) {
  const { t } = useTranslation();
  const id = useId();
  const { types } = useCatalogue();
  const agents = agentsByExtension(useLive());
  return (
    <div className="filter card-field" role="group" aria-label={t("filter.title")} data-testid="filter">
      <div className="member">
        <label htmlFor={`${id}-status`}>{t("filter.status")}</label>
        <select
          id={`${id}-status`}
          data-testid="filter-status"
          value={filter.status}
          onChange={(event) => onChange({ ...filter, status: event.target.value as CardFilter["status"] })}
        >
          {STATUSES.map((status) => (
            <option key={status} value={status}>
              {t(`filter.status_of.${status || "all"}`)}
            </option>
          ))}
        </select>
      </div>
      <div className="member">
        <label htmlFor={`${id}-type`}>{t("field.type")}</label>
        <Combobox
          id={`${id}-type`}
          options={typeOptions(types)}
          value={filter.type}
          placeholder={t("field.type_placeholder")}
          testid="filter-type"
          onChoose={(type) => onChange({ ...filter, type })}
        />
      </div>
      <div className="member">
        <label htmlFor={`${id}-agent`}>{t("card.agent")}</label>
        <select
          id={`${id}-agent`}
          data-testid="filter-agent"
          value={filter.agent}
          onChange={(event) => onChange({ ...filter, agent: event.target.value })}
        >
          <option value="">{t("filter.anybody")}</option>
          {agents.map((agent) => (
            <option key={agent.agent_id} value={agent.agent_id}>
              {agent.name}
            </option>
          ))}
        </select>
      </div>
      <AskedFor filter={filter} onChange={onChange} />
      <div className="members">
        <Day name="from" filter={filter} onChange={onChange} />
        <Day name="to" filter={filter} onChange={onChange} />
      </div>
      <button
        type="button"
        className="button button-small"
        disabled={!isNarrowed(filter)}
        data-testid="filter-clear"
        onClick={() => onChange(NO_FILTER)}
      >
        {t("filter.clear")}
      </button>
    </div>
  );
}
