// The page: header, what to know about its liveness, the list, and what floats above it.

import { useEffect } from "preact/hooks";

import { ActionBar } from "./actionbar.tsx";
import { words } from "./lists.ts";
import { useCell } from "./cell.ts";
import { Time } from "./clock.tsx";
import { ContextMenu } from "./contextmenu.tsx";
import { useDesk } from "./desk.ts";
import { Header } from "./header.tsx";
import { JobPage } from "./jobpage.tsx";
import { useKeys } from "./keys.ts";
import { EndpointsPage } from "./endpoints.tsx";
import { List, useItems } from "./list.tsx";
import { Overview } from "./overview.tsx";
import { QueuesPage } from "./queues.tsx";
import { SettingsSheet } from "./settings.tsx";
import { Sheet } from "./sheet.tsx";
import { SubmitPage } from "./submit.tsx";
import { Title } from "./title.tsx";
import { Toasts } from "./toasts.tsx";
import { Tools } from "./tools.tsx";
import { useViewKeys, type View } from "./views.ts";

const SEARCH_TIMEOUT_MS = 10_000;

export function Page() {
  const desk = useDesk();
  const connection = useCell(desk.connection);
  const view = useCell(desk.view);
  useViewKeys(desk);
  return (
    <div class="page" data-connection={connection}>
      <Title />
      <Header />
      <Warning />
      <Shown view={view} />
      <Toasts />
      <Sheet />
      <SettingsSheet />
    </div>
  );
}

function Shown({ view }: { view: View }) {
  switch (view) {
    case "jobs":
      return <Jobs />;
    case "queues":
      return <QueuesPage />;
    case "endpoints":
      return <EndpointsPage />;
    case "overview":
      return <Overview />;
    case "submit":
      return <SubmitPage />;
  }
}

function Jobs() {
  const desk = useDesk();
  const { tab, job } = useCell(desk.route);
  const items = useItems();
  useKeys(desk, job === null ? items : []);
  useSearch();
  if (job !== null) return <JobPage key={job} id={job} />;
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
