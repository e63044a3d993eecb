// What the browser's tab says: how far my oldest running job is, and how many run.

import { useEffect } from "preact/hooks";

import { useCell } from "./cell.ts";
import { useDesk } from "./desk.ts";
import { brief } from "./mine.ts";
import { useOldest } from "./myjobs.tsx";

/** A component, so that a tick of that job draws nothing else. */
export function Title() {
  const { board, me } = useDesk();
  const oldest = useOldest(useCell(me)?.name ?? null);
  useCell(board.shape);
  const mine = oldest === null ? "" : brief(oldest);
  let running = 0;
  for (const job of board.jobs.values()) if (job.get().status === "running") running += 1;
  useEffect(() => {
    const title = running > 0 ? `${running} running` : "Jobs";
    document.title = [mine, title, "Haulage"].filter(Boolean).join(" · ");
  }, [running, mine]);
  return null;
}
