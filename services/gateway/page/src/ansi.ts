// Colours in a process log: ECMA-48's "select graphic rendition", cut into pieces of one look.
// Pure. All other control sequences are left out; what a carriage return wrote over is gone, as
// on a terminal. https://ecma-international.org/publications-and-standards/standards/ecma-48/

import { shown } from "./names.ts";

/** How text looks; a colour is the number of one of the 16, or `#rrggbb`. */
export interface Look {
  color: number | string | null;
  ground: number | string | null;
  isBold: boolean;
  isFaint: boolean;
  isItalic: boolean;
  isUnderlined: boolean;
  isInverse: boolean;
}

export interface Piece {
  text: string;
  look: Look;
}

export const PLAIN: Look = {
  color: null,
  ground: null,
  isBold: false,
  isFaint: false,
  isItalic: false,
  isUnderlined: false,
  isInverse: false,
};

const SEQUENCE = /\x1b(?:\[([0-9;:]*)([ -/]*[@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])/g;
const LEVELS = [0, 95, 135, 175, 215, 255];

/** The pieces of a line, and the look that the next line begins with. */
export function pieces(line: string, begin: Look = PLAIN): { pieces: Piece[]; end: Look } {
  const found: Piece[] = [];
  let look = begin;
  let at = 0;
  const visible = lastWritten(line);
  const add = (text: string): void => {
    if (text) found.push({ text: shown(text).replaceAll("\\u{9}", "\t"), look });
  };
  for (const match of visible.matchAll(SEQUENCE)) {
    add(visible.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[2] === "m") look = applied(look, match[1] ?? "");
  }
  add(visible.slice(at));
  return { pieces: found, end: look };
}

/** The text alone, as it is searched and saved. */
export function plain(line: string): string {
  return lastWritten(line).replace(SEQUENCE, "");
}

function lastWritten(line: string): string {
  const parts = line.replace(/\r+$/, "").split("\r");
  const last = parts.pop() ?? "";
  // Colours that were chosen before hold on.
  return parts.flatMap((part) => part.match(SEQUENCE) ?? []).join("") + last;
}

function applied(before: Look, parameters: string): Look {
  const codes = parameters.split(/[;:]/).map(Number);
  let look = before;
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0;
    if (code === 38 || code === 48) {
      const [color, used] = extended(codes.slice(at + 1));
      if (color !== null) look = { ...look, [code === 38 ? "color" : "ground"]: color };
      at += used;
    } else look = simple(look, code);
  }
  return look;
}

function simple(look: Look, code: number): Look {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...look, isBold: true };
  if (code === 2) return { ...look, isFaint: true };
  if (code === 3) return { ...look, isItalic: true };
  if (code === 4) return { ...look, isUnderlined: true };
  if (code === 7) return { ...look, isInverse: true };
  if (code === 22) return { ...look, isBold: false, isFaint: false };
  if (code === 23) return { ...look, isItalic: false };
  if (code === 24) return { ...look, isUnderlined: false };
  if (code === 27) return { ...look, isInverse: false };
  if (code >= 30 && code <= 37) return { ...look, color: code - 30 };
  if (code === 39) return { ...look, color: null };
  if (code >= 40 && code <= 47) return { ...look, ground: code - 40 };
  if (code === 49) return { ...look, ground: null };
  if (code >= 90 && code <= 97) return { ...look, color: code - 82 };
  if (code >= 100 && code <= 107) return { ...look, ground: code - 92 };
  return look;
}

/** Of `5;n` or `2;r;g;b`: the colour, and how many codes it took. */
function extended(codes: number[]): [number | string | null, number] {
  const [kind, ...rest] = codes;
  if (kind === 5) return [indexed(rest[0] ?? 0), 2];
  if (kind === 2) return [hex(rest.slice(0, 3)), 4];
  return [null, 0];
}

function indexed(number: number): number | string {
  if (number < 16) return number;
  if (number >= 232) return hex(Array(3).fill(8 + (number - 232) * 10));
  const cube = number - 16;
  const levels = [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6];
  return hex(levels.map((level) => LEVELS[level] ?? 0));
}

function hex(parts: number[]): string {
  const two = (part: number): string =>
    Math.min(255, Math.max(0, part || 0))
      .toString(16)
      .padStart(2, "0");
  return `#${parts.map(two).join("")}`;
}
