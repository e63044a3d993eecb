// Drawn on a 16-pixel grid, in the colour of the text around them. Decoration: words stand beside.

const PATHS = {
  init: "M3 4h10M3 8h6M3 12h3.5M12.5 9.5a2.2 2.2 0 1 1 0 4.4 2.2 2.2 0 0 1 0-4.4",
  waiting: "M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2M8 5v3.2l2 1.4",
  running: "M4.5 2.8v10.4L13 8z",
  paused: "M5.5 3v10M10.5 3v10",
  failed: "M8 2.2 14.3 13H1.7zM8 6.4v3.2M8 11.4v.1",
  aborted: "M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2M5.8 5.8l4.4 4.4m0-4.4-4.4 4.4",
  done: "m2.8 8.6 3.4 3.4 7-7.6",
  transfer: "M2 5.5h10M9.5 3 12 5.5 9.5 8M14 10.5H4M6.5 8 4 10.5l2.5 2.5",
  compute:
    "M4.5 4.5h7v7h-7zM6.5 2v2.5m3-2.5v2.5m-3 7V14m3-2.5V14M2 6.5h2.5M2 9.5h2.5m7-3H14m-2.5 3H14",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  resume: "M5 3v10l8-5z",
  retry: "M13 8a5 5 0 1 1-1.6-3.7M13 2.3v2.7h-2.7",
  abort: "M4 4l8 8m0-8-8 8",
  open: "m6 3.5 4.5 4.5L6 12.5",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9M10.5 10.5 14 14",
  edit: "M3 13l.7-2.8 7.4-7.4 2.1 2.1-7.4 7.4zM9.6 4.3l2.1 2.1",
  remove: "M3.5 4.5h9M6.5 4.5v-2h3v2M4.8 4.5l.6 9h5.2l.6-9",
  folder: "M1.8 12.5v-9h4l1.5 2h6.9v7z",
  file: "M4 1.8h5.2L12 4.6v9.6H4zM9.2 1.8v2.8H12",
  copy: "M5.5 5.5h8v8h-8zM3.5 10.5h-1v-8h8v1",
  settings: "M2.5 4.5h5m4 0h2M9.5 2.8v3.4M2.5 11.5h2m4 0h5M6.5 9.8v3.4",
  alone: "M6.5 3.5h-4v10h10v-4M9 2.5h4.5V7M13.5 2.5 7.5 8.5",
  back: "M10 3.5 5.5 8l4.5 4.5",
  top: "M3 2.8h10M8 13.5v-7M4.8 9.2 8 6l3.2 3.2",
  bottom: "M3 13.2h10M8 2.5v7M4.8 6.8 8 10l3.2-3.2",
  keys: "M1.5 4.5h13v7h-13zM4 7h.1M6.5 7h.1M9 7h.1M11.5 7h.1M5 9.3h6",
} as const;

export type IconName = keyof typeof PATHS;
const FILLED = new Set<IconName>(["running", "resume"]);

export function isIcon(name: string): name is IconName {
  return name in PATHS;
}

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" data-icon={name} viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} fill={FILLED.has(name) ? "currentColor" : "none"} />
    </svg>
  );
}
