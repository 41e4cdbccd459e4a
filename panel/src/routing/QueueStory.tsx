/** How a queue works: one sentence, and its steps on a line of time with who can be reached. */

import { useWords } from "../documents/words";
import { usePlan } from "./context";
import { plannedAgents } from "./members";
import { joined, sentenceOf, stepPart } from "./sentence";
import { isMoot, reachableAt, stepsOf } from "./steps";
import { useTitles } from "./titles";

export function QueueStory({ index }: { index: number }) {
  const say = useWords();
  const { plan: document, seats } = usePlan();
  const titles = useTitles(document);
  const queue = document.queues[index];
  if (queue === undefined) return null;
  const agents = plannedAgents(document, seats);
  const steps = stepsOf(queue);
  const end = Math.max(1, ...steps.map((step) => step.at));
  return (
    <section className="story" aria-label={say("story.title")}>
      <p className="story-sentence" data-testid="queue-sentence" aria-live="polite">
        {joined(sentenceOf(queue, titles), (key, values) => say(`sentence.${key}`, values))}
      </p>
      <ol className="story-steps" data-testid="queue-steps">
        {steps.map((step, place) => {
          const moot = isMoot(step, queue);
          const part = stepPart(step, titles);
          const count = reachableAt(queue, agents, step.at).length;
          const text = part === null ? say(step.kind === "start" ? "story.start" : "story.incomplete") : say(`step.${part.key}`, part.values);
          return (
            <li key={place} className={`story-${step.kind}`} data-moot={moot || undefined}>
              <span className="story-time digits">{say("story.at", { seconds: step.at })}</span>
              <span className="story-line" aria-hidden="true">
                <span style={{ width: `${(step.at / end) * 100}%` }} />
              </span>
              <span>
                {text}
                {moot && <span className="faint"> {say("story.moot")}</span>}
                {step.kind !== "alarm" && !moot && (
                  <span className={count === 0 ? "problem-warning" : "faint"}> {say("story.reachable", { number: count })}</span>
                )}
              </span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
