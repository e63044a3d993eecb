// The page: header, what to know about its liveness, the list, and what floats above it.

import { useEffect } from "preact/hooks";

import { words } from "./lists.ts";
import { useCell } from "./cell.ts";
import { Time } from "./clock.tsx";
import { useDesk } from "./desk.ts";
import { Header } from "./header.tsx";
import { JobPage } from "./jobpage.tsx";
import { useKeys } from "./keys.ts";
import { List, useItems } from "./list.tsx";
import { SettingsSheet } from "./settings.tsx";
import { Sheet } from "./sheet.tsx";
import { Toasts } from "./toasts.tsx";

const SEARCH_TIMEOUT_MS = 10_000;

export function Page() {
  const desk = useDesk();
  const connection = useCell(desk.connection);
  const { tab, job } = useCell(desk.route);
  const items = useItems();
  useKeys(desk, job === null ? items : []);
  useSearch();
  useTitle();
  return (
    <div class="page" data-connection={connection}>
      <Header />
      <Warning />
      {job === null ? <List key={tab} items={items} /> : <JobPage key={job} id={job} />}
      <Toasts />
      <Sheet />
      <SettingsSheet />
    </div>
  );
}

function Warning() {
  const desk = useDesk();
  const connection = useCell(desk.connection);
  const liveAt = useCell(desk.liveAt);
  if (connection !== "stale") return null;
  return (
    <p class="warning" role="alert">
      No connection to the server. What you see is as of <Time at={liveAt} seconds />; it goes on by
      itself when the server answers.
    </p>
  );
}

/** Rows that are not loaded are looked for on the server. */
function useSearch(): void {
  const desk = useDesk();
  const { tab, search } = useCell(desk.route);
  useEffect(() => {
    const leaving = new AbortController();
    const signal = AbortSignal.any([leaving.signal, AbortSignal.timeout(SEARCH_TIMEOUT_MS)]);
    desk.lists.search(tab, search, signal).catch((error: unknown) => {
      if (!leaving.signal.aborted) desk.toast(`The search got no answer: ${words(error)}`);
    });
    return () => leaving.abort();
  }, [tab, search]);
}

function useTitle(): void {
  const { board } = useDesk();
  useCell(board.shape);
  let running = 0;
  for (const job of board.jobs.values()) if (job.get().status === "running") running += 1;
  useEffect(() => {
    document.title = running > 0 ? `${running} running · Haulage` : "Jobs · Haulage";
  }, [running]);
}
