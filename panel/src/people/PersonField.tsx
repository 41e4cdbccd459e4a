import { useId, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "../shared/Icon";

interface Properties {
  name: string;
  /** A sentence about what is wrong, or null. */
  complaint: string | null;
  children: (wiring: {
    id: string;
    "aria-describedby": string;
    "aria-invalid": boolean | undefined;
    "data-testid": string;
  }) => ReactNode;
}

/** A labelled field with its help and what is wrong with it. */
export function PersonField({ name, complaint, children }: Properties) {
  const { t } = useTranslation();
  const id = useId();
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>
        {t(`people.field.${name}`)}
      </label>
      {children({
        id,
        "aria-describedby": complaint === null ? `${id}-help` : `${id}-help ${id}-complaint`,
        "aria-invalid": complaint !== null || undefined,
        "data-testid": `person-${name}`,
      })}
      <p className="field-help" id={`${id}-help`}>
        {t(`people.help.${name}`)}
      </p>
      {complaint !== null && (
        <p className="field-problems problem-error" id={`${id}-complaint`} data-testid={`person-${name}-complaint`}>
          <Icon name="warning" size={16} /> {complaint}
        </p>
      )}
    </div>
  );
}
