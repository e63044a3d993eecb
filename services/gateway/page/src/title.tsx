// What the browser's tab says: how far my oldest running job is, and how many run.

import { useEffect } from "preact/hooks";

import { useCell } from "./cell.ts";
import { useDesk } from "./desk.ts";
import { brief } from "./mine.ts";
import { useOldest } from "./myjobs.tsx";
import { PLACES } from "./views.ts";

/** A component, so that a tick of that job draws nothing else. */
export function Title() {
  const { board, me, view: where } = useDesk();
  const view = useCell(where);
  const oldest = useOldest(useCell(me)?.name ?? null);
  useCell(board.shape);
  const mine = oldest === null ? "" : brief(oldest);
  let running = 0;
  for (const job of board.jobs.values()) if (job.get().status === "running") running += 1;
  useEffect(() => {
    const here = PLACES.find((one) => one.view === view)?.word ?? "New job";
    const title = view === "jobs" && running > 0 ? `${running} running` : here;
    document.title = [mine, title, "Haulage"].filter(Boolean).join(" · ");
  }, [running, mine, view]);
  return null;
}
