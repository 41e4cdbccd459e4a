import { useTranslation } from "react-i18next";
import { useCatalogue } from "../app/session";
import { titleIn } from "./field-values";

const CASUALTIES = "casualties.";

/** How the codes in a field's value are told to people, whatever list of the catalogue has them. */
export function useFieldTitles(): (code: string) => string {
  const { t } = useTranslation();
  const { types, hazards, dispositions } = useCatalogue();
  return (code) =>
    code.startsWith(CASUALTIES)
      ? t(`field.casualties_of.${code.slice(CASUALTIES.length)}`)
      : titleIn([...types, ...hazards, ...dispositions], code);
}
