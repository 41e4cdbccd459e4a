import type { Change } from "./diff";
import { placeText, useWords, valueText } from "./words";

/** More than a screenful of screenfuls; the number above the list says how many there are. */
const SHOWN_MAX = 300;

/** What changes, place by place, before and after. */
export function ChangeList({ changes }: { changes: readonly Change[] }) {
  const say = useWords();
  if (changes.length === 0) return <p className="empty">{say("changes.none")}</p>;
  return (
    <ul className="changes" data-testid="changes">
      {changes.slice(0, SHOWN_MAX).map((change) => (
        <li key={change.path.join("/")} data-testid="change">
          <strong>{placeText(say, change.path)}</strong>
          <dl>
            {change.kind !== "added" && (
              <div className="change-before">
                <dt>{say(change.kind === "removed" ? "changes.removed" : "changes.before")}</dt>
                <dd>{valueText(say, change.before)}</dd>
              </div>
            )}
            {change.kind !== "removed" && (
              <div className="change-after">
                <dt>{say(change.kind === "added" ? "changes.added" : "changes.after")}</dt>
                <dd>{valueText(say, change.after)}</dd>
              </div>
            )}
          </dl>
        </li>
      ))}
      {changes.length > SHOWN_MAX && <li className="faint">{say("changes.more", { count: changes.length - SHOWN_MAX })}</li>}
    </ul>
  );
}
