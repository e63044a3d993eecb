// The top of the page: where we are, how much there is, what moves, and whether all this is live.

import { useEffect, useRef } from "preact/hooks";

import { type Tab, tabOf } from "./board.ts";
import { useCell } from "./cell.ts";
import { Time, useNow } from "./clock.tsx";
import { useDesk } from "./desk.ts";
import * as format from "./format.ts";
import { Icon } from "./icons.tsx";
import { Link } from "./link.tsx";
import { MyJobs } from "./myjobs.tsx";
import { shown } from "./names.ts";
import { write } from "./route.ts";
import { WORKSPACE } from "./setting.ts";
import { PLACES, SUBMIT } from "./views.ts";

const SEARCH_AFTER_MS = 150;
const ENDPOINTS_NAMED_MAX = 4;

export function Header() {
  const view = useCell(useDesk().view);
  return (
    <header class="top">
      <h1 class="brand">
        <img src="/favicon.svg" alt="" width="22" height="22" />
        Haulage
      </h1>
      <nav class="views" aria-label="Pages">
        {PLACES.map((one) => (
          <Link key={one.view} to={one.path} current={view === one.view} title={`g ${one.key}`}>
            {one.word}
          </Link>
        ))}
      </nav>
      {view === "jobs" && <OfJobs />}
      <span class="stretch" />
      <Link to={SUBMIT} class="new" current={view === "submit"} title="n">
        New job
      </Link>
      <Endpoints />
      <Throughput />
      <MyJobs />
      <ConnectionState />
      <SettingsButton />
      <ShortcutsButton />
    </header>
  );
}

function OfJobs() {
  return (
    <>
      <nav class="tabs" aria-label="Jobs">
        <TabLink tab="active" word="Active" />
        <TabLink tab="finished" word="Finished" />
      </nav>
      <Search />
    </>
  );
}

function TabLink({ tab, word }: { tab: Tab; word: string }) {
  const desk = useDesk();
  const route = useCell(desk.route);
  const number = useCount(tab);
  const choose = (event: MouseEvent): void => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    desk.tab(tab);
  };
  const isHere = route.tab === tab && route.job === null;
  const address = write({ ...route, tab, job: null, open: new Set() });
  return (
    <a href={address} aria-current={isHere ? "page" : undefined} onClick={choose}>
      {word} <span class="number">{number === null ? "" : format.count(number)}</span>
    </a>
  );
}

/** Counted from the rows where all are here, else as the server counted. */
function useCount(tab: Tab): number | null {
  const { board, lists } = useDesk();
  useCell(board.shape);
  const loaded = useCell(lists.of(tab));
  if (loaded.phase === "unloaded" || loaded.next !== null) return loaded.total;
  if (loaded.total === null) return null;
  let number = 0;
  for (const job of board.jobs.values()) if (tabOf(job.get()) === tab) number += 1;
  return number;
}

function Search() {
  const desk = useDesk();
  const { search } = useCell(desk.route);
  const input = useRef<HTMLInputElement>(null);
  const timer = useRef<number>(undefined);
  const typed = (): void => {
    clearTimeout(timer.current);
    const apply = (): void => desk.go({ search: input.current?.value ?? "", job: null });
    timer.current = window.setTimeout(apply, SEARCH_AFTER_MS);
  };
  useEffect(() => {
    if (input.current && input.current !== document.activeElement) input.current.value = search;
  }, [search]);
  return (
    <label class="search">
      <Icon name="search" />
      <span class="unseen">Search jobs</span>
      <input
        ref={input}
        id="search"
        type="search"
        placeholder="Name, path, user, endpoint, id"
        defaultValue={search}
        onInput={typed}
        spellcheck={false}
        autocomplete="off"
        aria-keyshortcuts="/"
      />
      <kbd aria-hidden="true">/</kbd>
    </label>
  );
}

function Endpoints() {
  const endpoints = [...useCell(useDesk().board.endpoints)];
  if (endpoints.length === 0) return null;
  endpoints.sort((a, b) => a.name.localeCompare(b.name));
  const offline = endpoints.filter((one) => one.status !== "online");
  const title = endpoints.map((one) => `${shown(one.name)}: ${one.status}`).join("\n");
  if (endpoints.length > ENDPOINTS_NAMED_MAX) {
    const online = endpoints.length - offline.length;
    return (
      <span class="endpoints" title={title}>
        {format.count(online)} of {format.count(endpoints.length)} endpoints online
      </span>
    );
  }
  return (
    <ul class="endpoints" aria-label="Endpoints">
      {endpoints.map((one) => (
        <li key={one.id} data-status={one.status} title={`${shown(one.name)} is ${one.status}`}>
          <bdi>{shown(one.name)}</bdi>
          <span class={one.status === "online" ? "unseen" : ""}>{one.status}</span>
        </li>
      ))}
    </ul>
  );
}

function Throughput() {
  const desk = useDesk();
  const connection = useCell(desk.connection);
  useNow();
  useCell(desk.board.shape);
  let total = 0;
  for (const cell of desk.board.jobs.values()) {
    const job = cell.get();
    if (job.status === "running") total += job.bytes_per_second;
  }
  return (
    <span class="throughput" title="All running transfers together">
      {connection === "live" ? format.rate(total) : "–"}
    </span>
  );
}

function ConnectionState() {
  const desk = useDesk();
  const connection = useCell(desk.connection);
  const liveAt = useCell(desk.liveAt);
  return (
    <span class="connection" data-connection={connection} role="status">
      {connection === "stale" ? (
        <>
          as of <Time at={liveAt} seconds />
        </>
      ) : (
        connection
      )}
    </span>
  );
}

function SettingsButton() {
  const desk = useDesk();
  return (
    <button
      type="button"
      class="quiet"
      title="Settings of the workspace"
      aria-label="Settings of the workspace"
      onClick={() => desk.settings.set(WORKSPACE)}
    >
      <Icon name="settings" />
    </button>
  );
}

function ShortcutsButton() {
  const desk = useDesk();
  return (
    <button
      type="button"
      class="quiet keys"
      title="Keyboard shortcuts (?)"
      aria-label="Keyboard shortcuts"
      onClick={() => desk.sheet.set(true)}
    >
      <Icon name="keys" />
    </button>
  );
}
