// An input with its label above and a hint below; the hint is read out, but is not its name.

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

/** What ties the input to its label and its hint. */
export interface Tied {
  id: string;
  "aria-describedby"?: string;
}

interface FieldProps {
  label: ComponentChildren;
  hint?: string;
  children: (tied: Tied) => ComponentChildren;
}

export function Field({ label, hint = "", children }: FieldProps) {
  const id = useId();
  const hinted = `${id}-hint`;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, ...(hint && { "aria-describedby": hinted }) })}
      {hint && <small id={hinted}>{hint}</small>}
    </div>
  );
}

/** A line of text that is no prose. */
export const PLAIN = { spellcheck: false, autocomplete: "off" } as const;
