/** Text as it is searched: without case and diacritics, so that "Rīga" is found by "riga". */
export function foldText(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase("lv");
}
