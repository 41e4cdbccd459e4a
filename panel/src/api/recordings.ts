/** Recordings are streamed by the audio element itself; only the address is ours. */

export function recordingUrl(recordingId: string): string {
  return `/api/recordings/${encodeURIComponent(recordingId)}/audio`;
}
