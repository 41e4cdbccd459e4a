/** Line icons on a 24-unit grid. They repeat in form what the words and colours next to them say. */

const PATHS = {
  phone:
    "M5 4h4l2 5-2.500 1.500a11 11 0 0 0 5 5L15 13l5 2v4a2 2 0 0 1-2 2A16 16 0 0 1 3 6a2 2 0 0 1 2-2z",
  hangup: "M3 15c0-1 .4-2 1.200-2.500C6.300 11 9 10 12 10s5.700 1 7.800 2.500c.8.5 1.200 1.500 1.200 2.500v1.500l-5-1V13a12 12 0 0 0-8 0v2.500l-5 1z",
  pause: "M8 5v14M16 5v14",
  play: "M7 4.500v15l12-7.500z",
  check: "M4 12.500l5 5L20 6.500",
  close: "M6 6l12 12M18 6L6 18",
  warning: "M12 3.500L2.500 20h19zM12 10v4.500M12 17.300v.2",
  info: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 11v6M12 7.500v.2",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3.500 2",
  search: "M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13zM15.500 15.500L20.500 20.500",
  person: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4.500 20.500c.8-4 3.800-6 7.500-6s6.700 2 7.500 6",
  people: "M9 5a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7zM2.500 19.500c.6-3.500 3.200-5.500 6.500-5.500s5.900 2 6.500 5.500M16 5.500a3.300 3.300 0 0 1 0 6.300M18 14.500c2 .8 3.200 2.500 3.500 5",
  link: "M4 12a12 12 0 0 1 16 0M7 15.500a7.500 7.500 0 0 1 10 0M12 19.200v.3M1.500 8.500a16 16 0 0 1 21 0",
  parachute: "M3 12a9 9 0 0 1 18 0zM3 12l9 9 9-9M9 12l3 9 3-9",
  record: "M12 5a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM12 9.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5z",
  missed: "M5 5l7 7 7-7M12 12v-7M5 19h14",
  help: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM9.300 9.500a2.700 2.700 0 1 1 3.900 2.400c-.8.400-1.200 1-1.200 1.900M12 16.800v.2",
  logout: "M14 4H6v16h8M10 12h11M17.500 8.500L21 12l-3.500 3.500",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l1.500 2h-15zM10 20.500h4",
  "bell-off": "M6 16V11a6 6 0 0 1 9-5.200M18 11v5l1.500 2H8M10 20.500h4M4 3.500L20.500 20",
  card: "M4 4.500h16v15H4zM8 9h8M8 13h8M8 16.500h4",
  note: "M5 3.500h10l4 4v13H5zM15 3.500v4h4M8.500 12h7M8.500 16h7",
  back: "M11 6L5 12l6 6M19 6l-6 6 6 6",
  forward: "M13 6l6 6-6 6M5 6l6 6-6 6",
  mic: "M12 3.500a3 3 0 0 0-3 3V12a3 3 0 0 0 6 0V6.500a3 3 0 0 0-3-3zM5.500 11.500a6.500 6.500 0 0 0 13 0M12 18v3",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
