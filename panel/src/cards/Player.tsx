/**
 * The player of one recording: the caller on the left ear, the call taker on the right; or a party's
 * own, what it says on the left and what it hears on the right.
 *
 * Nothing is fetched before it is played, because each listen is written down with its listener.
 */

import { useRef, useState, type KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import type { RecordingInfo } from "../api/types";
import { recordingUrl } from "../api/recordings";
import { translateCode } from "../i18n";
import { duration } from "../shared/format";
import { Icon } from "../shared/Icon";

const SPEEDS = [0.75, 1, 1.25, 1.5, 2] as const;
const SKIP_S = 5;

function FailedRecording({ recording }: { recording: RecordingInfo }) {
  const { t } = useTranslation();
  const error = recording.error ?? "unknown";
  return (
    <p className="strip-warning" data-testid="recording-failed">
      <Icon name="warning" /> {t("recordings.failed")} ({translateCode("reason", error, error)})
    </p>
  );
}

interface PlayerProps {
  recording: RecordingInfo;
  title: string;
  /** Whose recording it is; null: the caller's. */
  party: string | null;
}

export function Player({ recording, title, party }: PlayerProps) {
  const { t } = useTranslation();
  const audio = useRef<HTMLAudioElement>(null);
  const [playing, setPlaying] = useState(false);
  const [position, setPosition] = useState(0);
  const [length, setLength] = useState(recording.duration_s ?? 0);
  const [speed, setSpeed] = useState(1);
  const [failed, setFailed] = useState(false);
  if (recording.state === "failed") return <FailedRecording recording={recording} />;

  const toggle = (): void => {
    const element = audio.current;
    if (element === null) return;
    if (!element.paused) {
      element.pause();
      return;
    }
    if (failed) element.load();
    setFailed(false);
    element.play().catch((error: unknown) => {
      // A pause before the first sound also ends here and is no failure.
      if (!(error instanceof DOMException && error.name === "AbortError")) setFailed(true);
    });
  };
  const seek = (to: number): void => {
    const element = audio.current;
    const target = Math.min(length, Math.max(0, to));
    setPosition(target);
    if (element !== null) element.currentTime = target;
  };
  const keys = (event: KeyboardEvent): void => {
    const steps: Partial<Record<string, number>> = { ArrowLeft: -SKIP_S, ArrowRight: SKIP_S, ArrowDown: -SKIP_S, ArrowUp: SKIP_S };
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      seek(position + step);
    } else if (event.key === " ") {
      event.preventDefault();
      toggle();
    }
  };
  const time = `${duration(position)} / ${duration(length)}`;
  return (
    <div className="player" role="group" aria-label={t("player.title_of", { title })} data-testid="player" data-playing={playing}>
      {/* A recorded emergency call has no captions. */}
      {/* eslint-disable-next-line jsx-a11y/media-has-caption */}
      <audio
        ref={audio}
        src={recordingUrl(recording.recording_id)}
        preload="none"
        data-testid="player-audio"
        onPlay={() => setPlaying(true)}
        onPause={() => setPlaying(false)}
        onEnded={() => setPlaying(false)}
        onError={() => setFailed(true)}
        onTimeUpdate={(event) => setPosition(event.currentTarget.currentTime)}
        onLoadedMetadata={(event) => {
          const element = event.currentTarget;
          if (Number.isFinite(element.duration)) setLength(element.duration);
          element.playbackRate = speed;
          // Where the bar was put before there was any sound.
          if (position > 0 && element.currentTime === 0) element.currentTime = position;
        }}
      />
      <input
        type="range"
        className="player-seek"
        min={0}
        max={length}
        step={0.1}
        value={position}
        aria-label={t("player.seek")}
        aria-valuetext={time}
        data-testid="player-seek"
        onKeyDown={keys}
        onChange={(event) => seek(Number(event.target.value))}
      />
      <div className="player-row">
        <button type="button" className="button button-round" aria-label={t(playing ? "player.pause" : "player.play")} data-testid="player-play" onClick={toggle}>
          <Icon name={playing ? "pause" : "play"} />
        </button>
        <button type="button" className="icon-button" aria-label={t("player.back")} title={t("player.back")} data-testid="player-back" onClick={() => seek(position - SKIP_S)}>
          <Icon name="back" />
        </button>
        <button type="button" className="icon-button" aria-label={t("player.forward")} title={t("player.forward")} data-testid="player-forward" onClick={() => seek(position + SKIP_S)}>
          <Icon name="forward" />
        </button>
        <span className="digits" data-testid="player-time">{time}</span>
        <label className="player-speed">
          <span className="visually-hidden">{t("player.speed")}</span>
          <select
            value={speed}
            data-testid="player-speed"
            onChange={(event) => {
              const rate = Number(event.target.value);
              setSpeed(rate);
              if (audio.current !== null) audio.current.playbackRate = rate;
            }}
          >
            {SPEEDS.map((rate) => (
              <option key={rate} value={rate}>{`${rate}×`}</option>
            ))}
          </select>
        </label>
      </div>
      <p className="player-channels">
        <span><b aria-hidden="true">◀</b> {party === null ? t("player.left") : t("player.left_party", { who: party })}</span>
        <span>{party === null ? t("player.right") : t("player.right_party")} <b aria-hidden="true">▶</b></span>
      </p>
      {failed && (
        <p className="strip-warning" role="alert" data-testid="player-error">
          <Icon name="warning" /> {t("player.failed")}
        </p>
      )}
    </div>
  );
}
