// Whose settings are looked at, and what they may be. Pure.

import type { Setting } from "./resources.ts";

export type Value = Setting["value"];

/** What carries settings; `id` is empty for the workspace. */
export interface Holder {
  level: "workspace" | "queue" | "job" | "endpoint";
  id: string;
  name: string;
}

export const WORKSPACE: Holder = { level: "workspace", id: "", name: "" };

export function path({ level, id }: Holder): string {
  return level === "workspace" ? "/api/settings" : `/api/${level}s/${id}/settings`;
}

export function title({ level, name }: Holder): string {
  return level === "workspace" ? "Settings of the workspace" : `Settings of ${level} ${name}`;
}

/** `1 to 3600 s`, or how a text is written; nothing for a choice, which shows what it may be. */
export function bounds({ low, high, unit, written }: Setting): string {
  return low === null ? written : `${low} to ${high} ${unit}`.trim();
}

/** Where the value comes from, seen from the holder. */
export function origin({ source, value, together }: Setting, { level }: Holder): string {
  if (together !== "" && together !== value) return `set here and above: ${together}`;
  if (source === level) return "set here";
  return source === "default" ? "default" : `from the ${source}`;
}

/** What was typed, as the kind that the setting has; what is no number is for the server to say. */
export function value(setting: Setting, typed: string): Value {
  const number = Number(typed);
  const isNumber = setting.low !== null && typed.trim() !== "" && !Number.isNaN(number);
  return isNumber ? number : typed;
}
