// What went wrong with what the viewer did, said aloud too, and gone by itself.

import { useCell } from "./cell.ts";
import { useDesk } from "./desk.ts";
import { Icon } from "./icons.tsx";

export function Toasts() {
  const desk = useDesk();
  const toasts = useCell(desk.toasts);
  return (
    <>
      <div class="unseen" aria-live="polite">
        {useCell(desk.said)}
      </div>
      <div class="toasts" role="alert">
        {toasts.map((toast) => (
          <p key={toast.id} class="toast">
            <Icon name="failed" />
            <span>{toast.text}</span>
            <button type="button" aria-label="Dismiss" onClick={() => desk.dismiss(toast.id)}>
              <Icon name="abort" />
            </button>
          </p>
        ))}
      </div>
    </>
  );
}
