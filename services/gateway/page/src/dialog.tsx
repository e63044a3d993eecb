// A real dialog: Escape closes it, a click beside it too, and the focus goes back where it was.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { shown } from "./names.ts";

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}

export function Dialog({ title, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) requestAnimationFrame(() => before.focus());
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class="sheet"
      aria-label={title}
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && event.currentTarget.close()}
    >
      <h2>{title}</h2>
      {children}
    </dialog>
  );
}

/** What the server refused, in its words. */
export function Refusal({ words }: { words: string }) {
  if (words === "") return null;
  return (
    <p class="refusal" role="alert">
      {shown(words)}
    </p>
  );
}
