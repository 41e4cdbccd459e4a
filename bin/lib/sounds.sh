# Voice prompts and music, from the texts in asterisk-conf/prompts. Sourced by setup.sh.
#
# Everything is written as raw 16-bit signed linear at 8 and 16 kHz, so that Asterisk transcodes nothing
# while a call waits: <language>/<key>, greeting-112 (all languages after one another), music/calm.
# shellcheck shell=bash

SOUND_LANGUAGES=(lv ru en) # the order in which the greeting speaks them
SPEECH_WORDS_PER_MIN=150   # slower than espeak's own 175: the listener may be in panic
SPEECH_RMS_DB=-20          # as loud as a person who speaks into a phone
MUSIC_RMS_DB=-32           # well under speech: nobody should have to hold the phone away
PROMPTS=$REPO/asterisk-conf/prompts

sounds_locate() { SOUNDS=$CACHE/sounds-$(recipe_of sounds | hash_of - "$PROMPTS"/*.txt); }

sounds_ready() { sounds_locate && [ -d "$SOUNDS" ]; }

# Bring a WAV file to a loudness, without clipping, and write it as both of Asterisk's raw formats.
sounds_write() {
  local from=$1 to=$2 rms_db=$3 level gain rate
  level=$(sox "$from" -n stats 2>&1 | awk '$1 == "RMS" && $2 == "lev" { print $4 }')
  gain=$(awk -v want="$rms_db" -v is="$level" 'BEGIN { printf "%.2f", want - is }')
  for rate in 8000 16000; do
    sox "$from" -t raw -e signed-integer -b 16 -L -c 1 -r "$rate" \
      "$to.sln$([ "$rate" = 8000 ] || echo 16)" gain -l "$gain"
  done
}

sounds_speak() {
  local language=$1 text=$2 to=$3
  espeak-ng -v "$language" -s "$SPEECH_WORDS_PER_MIN" -w "$to.raw.wav" -- "$text"
  sox "$to.raw.wav" -r 16000 -c 1 "$to" gain -6 highpass 120 norm -3 pad 0.1 0.4
  rm "$to.raw.wav"
}

sounds_prompts() {
  local work=$1 out=$2 language key text parts=()
  for language in "${SOUND_LANGUAGES[@]}"; do
    mkdir -p "$work/$language" "$out/$language"
    while IFS=$'\t' read -r key text; do
      case $key in '' | '#'*) continue ;; esac
      sounds_speak "$language" "$text" "$work/$language/$key.wav"
      sounds_write "$work/$language/$key.wav" "$out/$language/$key" "$SPEECH_RMS_DB"
    done <"$PROMPTS/$language.txt"
    parts+=("$work/$language/greeting.wav")
  done
  sox "${parts[@]}" "$work/greeting-112.wav"
  sounds_write "$work/greeting-112.wav" "$out/greeting-112" "$SPEECH_RMS_DB"
}

# One soft chord of 10 s that swells and fades; the notes are semitones from A = 440 Hz.
sounds_chord() {
  local to=$1 note voices=()
  shift
  for note in "$@"; do voices+=(sine "%$note"); done
  sox -n -r 16000 -c "$#" "$to" synth 10 "${voices[@]}" remix - gain -12 fade h 4.9 10 4.9
}

# 40 s of slow chords, each rising while the one before it fades, and the last into the first.
sounds_music() {
  local work=$1 out=$2 number=0 chord
  local even=() odd=()
  mkdir -p "$out/music"
  # F major 7, A minor 7, C major 7, G 6 and so on, between 196 and 660 Hz: what a phone passes on.
  for chord in '-16 -9 -5 0' '-12 -9 -5 -2' '-9 -5 -2 2' '-14 -10 -7 -5' \
    '-12 -9 -5 3' '-16 -12 -9 -5' '-7 -4 0 3' '-14 -10 -7 -2'; do
    # shellcheck disable=SC2086 # one word a note
    sounds_chord "$work/chord-$number.wav" $chord
    if ((number % 2)); then odd+=("$work/chord-$number.wav"); else even+=("$work/chord-$number.wav"); fi
    number=$((number + 1))
  done
  sox "${even[@]}" "$work/even.wav"
  sox "${odd[@]}" "$work/odd.wav"
  sox "|sox $work/odd.wav -p trim 35" "|sox $work/odd.wav -p trim 0 35" "$work/shifted.wav"
  sox -m "$work/even.wav" "$work/shifted.wav" "$work/calm.wav" tremolo 0.2 15
  sounds_write "$work/calm.wav" "$out/music/calm" "$MUSIC_RMS_DB"
}

sounds_make() {
  local work
  sounds_locate
  work=$(work_dir sounds)
  sounds_prompts "$work/wav" "$work/out"
  sounds_music "$work/wav" "$work/out"
  publish "$work/out" "$SOUNDS"
  rm -rf "$work"
  prune sounds 3
}
