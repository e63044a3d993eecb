// Numbers and times as people read them. Pure but for the viewer's own language and time zone.

import { shown } from "./names.ts";
import type { Limited } from "./resources.ts";

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;
const DASH = "–";
const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86400;

/** Three digits and a decimal unit: `999 B`, `1.23 MB`, `45.6 GB`. */
export function size(bytes: number): string {
  let power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  if (power < UNITS.length - 1 && bytes / 1000 ** power >= 999.5) power += 1;
  return `${digits(bytes / 1000 ** power, power)} ${UNITS[power]}`;
}

function digits(value: number, power: number): string {
  if (power === 0 || value >= 99.95) return value.toFixed(0);
  return value.toFixed(value >= 9.995 ? 1 : 2);
}

export function rate(bytesPerSecond: number): string {
  return `${size(bytesPerSecond)}/s`;
}

/** What a transfer is held to: `10 MB/s by endpoint hq, until 22:00`. */
export function limit({ text, until }: Limited, now: number): string {
  return until === null ? shown(text) : `${shown(text)}, until ${clock(until, now)}`;
}

const ROUTES: Record<string, string> = {
  pull: "its receiver dials",
  push: "its sender dials",
  local: "on one machine",
};

/** Which way the bytes go: `its sender dials`, `relayed by oslo`. */
export function route(route: string, relay: string | null): string {
  return relay === null ? (ROUTES[route] ?? route) : `relayed by ${shown(relay)}`;
}

/** Whole percent, rounded down: 100 is only said of what is complete. */
export function percent(progress: number): string {
  return `${Math.floor(Math.min(1, Math.max(0, progress)) * 100 + 1e-9)} %`;
}

/** At most two units: `8 s`, `3 min 20 s`, `1 h 5 min`, `2 d 3 h`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < MINUTE_S) return `${whole} s`;
  if (whole < HOUR_S) return two(whole, MINUTE_S, "min", 1, "s");
  if (whole < DAY_S) return two(whole, HOUR_S, "h", MINUTE_S, "min");
  return two(whole, DAY_S, "d", HOUR_S, "h");
}

function two(whole: number, unit: number, name: string, small: number, smallName: string): string {
  const rest = Math.floor((whole % unit) / small);
  const first = `${Math.floor(whole / unit)} ${name}`;
  return rest === 0 ? first : `${first} ${rest} ${smallName}`;
}

/** What a task took: short times keep their milliseconds. */
export function took(seconds: number | null): string {
  if (seconds === null) return DASH;
  return seconds < 10 ? `${seconds.toFixed(seconds < 1 ? 2 : 1)} s` : duration(seconds);
}

export function count(number: number): string {
  return number.toLocaleString("en").replaceAll(",", "\u202f");
}

const TIME = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  hour12: false,
});
const TIME_S = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hour12: false });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const LONG_DAY = new Intl.DateTimeFormat(undefined, {
  weekday: "long",
  day: "numeric",
  month: "long",
});
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

/** The time of day in the viewer's zone, with the day in front if it is not today. */
export function clock(time: string | number, now: string | number = Date.now()): string {
  const at = new Date(time);
  return isSameDay(at, new Date(now)) ? TIME.format(at) : `${DAY.format(at)} ${TIME.format(at)}`;
}

/** Where there is room for one of them: the time of day, or the day if it is not today. */
export function clockOrDay(time: string | number, now: string | number): string {
  const at = new Date(time);
  return isSameDay(at, new Date(now)) ? TIME.format(at) : DAY.format(at);
}

export function clockWithSeconds(time: string | number): string {
  return TIME_S.format(new Date(time));
}

/** For a hover: the whole date, with seconds and zone. */
export function exact(time: string | number): string {
  return EXACT.format(new Date(time));
}

export function day(time: string | number, now = Date.now()): string {
  const at = new Date(time);
  if (isSameDay(at, new Date(now))) return "Today";
  if (isSameDay(at, new Date(now - DAY_S * 1000))) return "Yesterday";
  const year = at.getFullYear() === new Date(now).getFullYear() ? "" : ` ${at.getFullYear()}`;
  return LONG_DAY.format(at) + year;
}

/** A key that is the same for all times of one day in the viewer's zone. */
export function dayKey(time: string | number): string {
  const at = new Date(time);
  return `${at.getFullYear()}-${at.getMonth() + 1}-${at.getDate()}`;
}

function isSameDay(a: Date, b: Date): boolean {
  return a.toDateString() === b.toDateString();
}
