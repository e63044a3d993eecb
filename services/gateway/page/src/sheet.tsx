// The sheet of shortcuts, a real dialog: Escape closes it and the focus goes back.

import { useEffect, useRef } from "preact/hooks";

import { useCell } from "./cell.ts";
import { useDesk } from "./desk.ts";
import { SHORTCUTS } from "./keys.ts";

export function Sheet() {
  const desk = useDesk();
  const isOpen = useCell(desk.sheet);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  return (
    <dialog
      ref={dialog}
      class="sheet"
      aria-labelledby="sheet-title"
      onClose={() => desk.sheet.set(false)}
      onClick={(event) => event.target === dialog.current && desk.sheet.set(false)}
    >
      <h2 id="sheet-title">Keyboard</h2>
      <dl>
        {SHORTCUTS.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              {keys.split(" ").map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <button type="button" onClick={() => desk.sheet.set(false)}>
        Close
      </button>
    </dialog>
  );
}
