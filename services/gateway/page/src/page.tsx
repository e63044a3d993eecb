// The page: header, what to know about its liveness, the list, and what floats above it.

import { useEffect } from "preact/hooks";

import { ActionBar } from "./actionbar.tsx";
import type { Tab } from "./board.ts";
import { words } from "./lists.ts";
import { useCell } from "./cell.ts";
import { Time } from "./clock.tsx";
import { ContextMenu } from "./contextmenu.tsx";
import { useDesk } from "./desk.ts";
import { Header } from "./header.tsx";
import { JobPage } from "./jobpage.tsx";
import { useKeys } from "./keys.ts";
import { List, useItems } from "./list.tsx";
import { SettingsSheet } from "./settings.tsx";
import { Sheet } from "./sheet.tsx";
import { Title } from "./title.tsx";
import { Toasts } from "./toasts.tsx";
import { Tools } from "./tools.tsx";
import type { Item } from "./view.ts";

const SEARCH_TIMEOUT_MS = 10_000;

export function Page() {
  const desk = useDesk();
  const connection = useCell(desk.connection);
  const { tab, job } = useCell(desk.route);
  const items = useItems();
  useKeys(desk, job === null ? items : []);
  useSearch();
  return (
    <div class="page" data-connection={connection}>
      <Title />
      <Header />
      <Warning />
      {job === null ? <Jobs tab={tab} items={items} /> : <JobPage key={job} id={job} />}
      <Toasts />
      <Sheet />
      <SettingsSheet />
    </div>
  );
}

function Jobs({ tab, items }: { tab: Tab; items: Item[] }) {
  return (
    <main class="jobs" aria-label={tab === "active" ? "Active jobs" : "Finished jobs"}>
      <Tools />
      <List key={tab} items={items} />
      <ActionBar />
      <ContextMenu />
    </main>
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
  const route = useCell(desk.route);
  const { tab, search, statuses, kind, user, queue } = route;
  useEffect(() => {
    const leaving = new AbortController();
    const signal = AbortSignal.any([leaving.signal, AbortSignal.timeout(SEARCH_TIMEOUT_MS)]);
    desk.lists.search(route, signal).catch((error: unknown) => {
      if (!leaving.signal.aborted) desk.toast(`The search got no answer: ${words(error)}`);
    });
    return () => leaving.abort();
  }, [tab, search, statuses, kind, user, queue]);
}
