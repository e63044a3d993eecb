// Names as a screen may show them: events/names.py's `shown`, in the page's language.

const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cn}\p{Co}\p{Cs}]/gu;

/** Control, direction and unassigned characters as `\u{hex}`. For reading only. */
export function shown(text: string): string {
  return text.replace(HIDDEN, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
