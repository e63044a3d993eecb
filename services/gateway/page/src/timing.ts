// The parts of a transfer's time, and the shape of its pace. Pure.

import type { Timing } from "./resources.ts";

export const PARTS = {
  listing: "listing",
  reading: "reading",
  network: "network",
  limited: "speed limit",
  writing: "writing",
  verifying: "hashing",
} as const;
export type Part = keyof typeof PARTS;

const SHOWN_MIN = 0.01;

export interface Spent {
  part: Part;
  seconds: number;
  share: number;
}

/**
 * Those that can be seen, in the order in which bytes go through them. A listing is measured by the
 * clock and not by threads, so it has a share only where it is the bottleneck.
 */
export function parts(timing: Timing): Spent[] {
  const seconds: Record<Part, number> = {
    listing: timing.bottleneck === "listing" ? timing.listing_s : 0,
    reading: timing.reading_s,
    network: timing.network_s,
    limited: timing.limited_s,
    writing: timing.writing_s,
    verifying: timing.verifying_s,
  };
  const whole = Object.values(seconds).reduce((sum, one) => sum + one, 0);
  return (Object.keys(PARTS) as Part[])
    .map((part) => ({ part, seconds: seconds[part], share: whole ? seconds[part] / whole : 0 }))
    .filter((one) => one.share >= SHOWN_MIN);
}

/** The path of an area below so many steps, the highest of them as high as there is room. */
export function area(values: number[], width: number, height: number): string {
  const most = Math.max(...values, 1);
  const step = width / values.length;
  const steps = values.map((value, at) => {
    const y = (height - (height * value) / most).toFixed(1);
    return `L${(at * step).toFixed(1)} ${y}H${((at + 1) * step).toFixed(1)}`;
  });
  return `M0 ${height}${steps.join("")}V${height}Z`;
}
