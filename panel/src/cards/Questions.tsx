/** The questions that the incident's type asks, in order; an answer may set type, urgency, hazards. */

import { useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { guide } from "../api/cards";
import type { Answer, Guidance, GuidedQuestion } from "../api/types";
import { useLive } from "../app/session";
import { titleOf } from "../talk/directory";
import { FieldFrame } from "./FieldFrame";
import { changesBy } from "./guidance";
import { useField, useOpenCardContext } from "./open-card";

const RETRY_MS = 3_000;
const TEXT_CHARS_MAX = 500;

/**
 * What the catalogue makes of the card as it is; asked again with each answer. It is written on the card
 * only after this window has changed the type or an answer: who merely reads a card writes nothing, and
 * of two windows only that of the one who answered does.
 */
export function useGuidance(): Guidance | null {
  const { card } = useOpenCardContext();
  const { catalogueVersion } = useLive();
  const type = useField("type");
  const priority = useField("priority");
  const hazards = useField("hazards");
  const answered = useField("answers");
  const { value: answers } = answered;
  const edits = (): number => type.saver.edits + answered.saver.edits;
  const written = useRef(edits());
  const place = card.locations.find((one) => one.location_id === card.location.current);
  const [guidance, setGuidance] = useState<Guidance | null>(null);
  const former = useRef<Guidance | null>(null);
  const fields = useRef({ type, priority, hazards, edits });
  useEffect(() => {
    fields.current = { type, priority, hazards, edits };
  });
  const asked = JSON.stringify({ type: type.value, answers: answers ?? {}, lat: place?.lat ?? null, lon: place?.lon ?? null });
  useEffect(() => {
    const abort = new AbortController();
    let timer: number | undefined;
    const ask = async (): Promise<void> => {
      const body = JSON.parse(asked) as Parameters<typeof guide>[0];
      if (body.type === null) {
        former.current = null;
        setGuidance(null);
        return;
      }
      try {
        const next = await guide(body, abort.signal);
        const now = fields.current;
        const changes = changesBy(former.current, next, {
          type: now.type.value,
          priority: now.priority.value,
          hazards: now.hazards.value ?? [],
        });
        former.current = next;
        setGuidance(next);
        if (now.edits() === written.current) return;
        written.current = now.edits();
        if (changes.type !== undefined) now.type.choose(changes.type);
        if (changes.priority !== undefined) now.priority.choose(changes.priority);
        if (changes.hazards !== undefined) now.hazards.choose([...changes.hazards]);
      } catch {
        // The type can be worked with by hand; the questions come as soon as the server answers.
        if (!abort.signal.aborted) timer = window.setTimeout(() => void ask(), RETRY_MS);
      }
    };
    void ask();
    return () => {
      abort.abort();
      window.clearTimeout(timer);
    };
  }, [asked, catalogueVersion]);
  return guidance;
}

interface QuestionProperties {
  question: GuidedQuestion;
  answer: Answer;
  onAnswer: (answer: Answer, atOnce: boolean) => void;
}

function Choices({ question, answer, onAnswer }: QuestionProperties) {
  const multi = question.kind === "multi";
  const chosen = [answer].flat().filter((one) => one !== null);
  const press = (code: string): void => {
    const has = chosen.includes(code);
    if (!multi) onAnswer(has ? null : code, true);
    else onAnswer(has ? (chosen.filter((one) => one !== code) as string[]) : ([...chosen, code] as string[]), true);
  };
  return (
    <div className="options">
      {question.answers.map((one) => (
        <button
          key={one.code}
          type="button"
          className="option"
          aria-pressed={chosen.includes(one.code)}
          data-testid="answer"
          data-code={one.code}
          onClick={() => press(one.code)}
        >
          {titleOf(one.titles, one.code)}
        </button>
      ))}
    </div>
  );
}

function Written({ question, answer, onAnswer }: QuestionProperties) {
  const id = useId();
  const number = question.kind === "number";
  const read = (text: string): Answer => (text === "" ? null : number ? Number(text) : text);
  return (
    <input
      id={id}
      type={number ? "number" : "text"}
      aria-label={titleOf(question.titles, question.code)}
      maxLength={TEXT_CHARS_MAX}
      data-testid="answer-text"
      value={Array.isArray(answer) ? "" : (answer ?? "")}
      onChange={(event) => onAnswer(read(event.target.value), false)}
    />
  );
}

function Question(properties: QuestionProperties) {
  const { t } = useTranslation();
  const { question } = properties;
  const help = question.help === null ? "" : titleOf(question.help, "");
  const written = question.kind === "number" || question.kind === "text";
  return (
    <li className="question" data-testid="question" data-code={question.code} data-answered={question.answered}>
      <div className="question-title">
        {titleOf(question.titles, question.code)}
        {question.required && !question.answered && <span className="chip">{t("question.required")}</span>}
      </div>
      {help !== "" && <p className="faint question-help">{help}</p>}
      {written ? <Written {...properties} /> : <Choices {...properties} />}
    </li>
  );
}

export function Questions() {
  const { t } = useTranslation();
  const guidance = useGuidance();
  const field = useField("answers");
  if (guidance === null || guidance.questions.length === 0) return null;
  const answers = field.value ?? {};
  const answer = (code: string, value: Answer, atOnce: boolean): void => {
    const next = { ...answers, [code]: value };
    if (atOnce) field.choose(next);
    else field.edit(next);
  };
  const titles = new Map(guidance.questions.map((one) => [one.code, titleOf(one.titles, one.code)]));
  const show = (value: Record<string, Answer> | null): string =>
    Object.entries(value ?? {})
      .filter(([, one]) => one !== null)
      .map(([code, one]) => `${titles.get(code) ?? code}: ${String(one)}`)
      .join("\n");
  return (
    <FieldFrame field={field} label={t("field.answers")} show={show}>
      <ol className="questions" data-testid="questions">
        {guidance.questions.map((question) => (
          <Question
            key={question.code}
            question={question}
            answer={answers[question.code] ?? null}
            onAnswer={(value, atOnce) => answer(question.code, value, atOnce)}
          />
        ))}
      </ol>
    </FieldFrame>
  );
}
