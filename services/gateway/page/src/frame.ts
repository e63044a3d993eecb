// When something new is drawn.

/** At the next frame, or in a second where no frames are drawn (a hidden tab). */
export function soon(flush: () => void): void {
  let done = false;
  const once = (): void => {
    if (done) return;
    done = true;
    flush();
  };
  requestAnimationFrame(once);
  setTimeout(once, 1_000);
}
