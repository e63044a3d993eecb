// Above the list: which jobs are shown, how they are grouped, and what a row has.

import { useCell } from "./cell.ts";
import { COLUMNS } from "./columns.ts";
import { useDesk } from "./desk.ts";
import { Icon } from "./icons.tsx";
import { STATUS_WORDS } from "./jobs.ts";
import { Menu } from "./menu.tsx";
import { shown } from "./names.ts";
import { prefer, prefs, USUAL } from "./prefs.ts";
import type { Status } from "./resources.ts";
import { type Route, STATUSES, UNFILTERED } from "./route.ts";
import { isFiltered } from "./view.ts";

const KINDS = ["transfer", "compute"];

export function Tools() {
  const desk = useDesk();
  const route = useCell(desk.route);
  return (
    <div class="tools">
      <Menu word="Filter" label="Show only">
        <Filter route={route} />
      </Menu>
      <Chips route={route} />
      <span class="stretch" />
      <EmptyQueues />
      <label class="check">
        <input
          type="checkbox"
          checked={route.byStatus}
          onChange={() => desk.go({ byStatus: !route.byStatus })}
        />
        Group by status
      </label>
      <Menu word="View" label="View">
        <View />
      </Menu>
    </div>
  );
}

function Filter({ route }: { route: Route }) {
  const desk = useDesk();
  useCell(desk.board.shape);
  const queues = useCell(desk.board.queues).map((one) => one.code);
  const users = new Set([...desk.board.jobs.values()].map((cell) => cell.get().user));
  const isFinished = (one: Status): boolean => one === "done" || one === "aborted";
  const statuses = STATUSES.filter((one) => isFinished(one) === (route.tab === "finished"));
  const toggle = (status: Status): void => {
    const next = new Set(route.statuses);
    if (!next.delete(status)) next.add(status);
    desk.go({ statuses: next });
  };
  return (
    <>
      <fieldset>
        <legend>Status</legend>
        {statuses.map((one) => (
          <label key={one} class="check">
            <input type="checkbox" checked={route.statuses.has(one)} onChange={() => toggle(one)} />
            {STATUS_WORDS[one]}
          </label>
        ))}
      </fieldset>
      <Choice word="Kind" of={KINDS} value={route.kind} choose={(kind) => desk.go({ kind })} />
      <Choice
        word="User"
        of={[...users].sort()}
        value={route.user}
        choose={(user) => desk.go({ user })}
      />
      <Choice word="Queue" of={queues} value={route.queue} choose={(queue) => desk.go({ queue })} />
    </>
  );
}

function EmptyQueues() {
  const desk = useDesk();
  const { tab, empty } = useCell(desk.route);
  if (tab !== "active") return null;
  return (
    <label class="check">
      <input type="checkbox" checked={empty} onChange={() => desk.go({ empty: !empty })} />
      All queues
    </label>
  );
}

interface ChoiceProps {
  word: string;
  of: readonly string[];
  value: string;
  choose: (value: string) => void;
}

function Choice({ word, of, value, choose }: ChoiceProps) {
  const all = value && !of.includes(value) ? [...of, value] : of;
  return (
    <label class="choice">
      {word}
      <select
        aria-label={word}
        value={value}
        onChange={(event) => choose(event.currentTarget.value)}
      >
        <option value="">all</option>
        {all.map((one) => (
          <option key={one} value={one}>
            {shown(one)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** What is filtered by, each with a way to take it back. */
function Chips({ route }: { route: Route }) {
  const desk = useDesk();
  if (!isFiltered(route)) return null;
  const without = (status: Status): Set<Status> =>
    new Set([...route.statuses].filter((one) => one !== status));
  const chips: [string, Partial<Route>][] = [
    ...[...route.statuses].map((one): [string, Partial<Route>] => [
      STATUS_WORDS[one],
      { statuses: without(one) },
    ]),
    ...(["kind", "user", "queue"] as const)
      .filter((one) => route[one])
      .map((one): [string, Partial<Route>] => [`${one} ${shown(route[one])}`, { [one]: "" }]),
  ];
  return (
    <>
      {chips.map(([word, change]) => (
        <button
          key={word}
          type="button"
          class="chip"
          aria-label={`No longer only ${word}`}
          onClick={() => desk.go(change)}
        >
          {word}
          <Icon name="abort" />
        </button>
      ))}
      {chips.length > 1 && (
        <button type="button" class="quiet" onClick={() => desk.go(UNFILTERED)}>
          Show all
        </button>
      )}
    </>
  );
}

function View() {
  const { columns, isDense } = useCell(prefs);
  const toggle = (key: string): void => {
    const has = columns.includes(key);
    prefer({ columns: has ? columns.filter((one) => one !== key) : [...columns, key] });
  };
  return (
    <>
      <label class="check">
        <input type="checkbox" checked={isDense} onChange={() => prefer({ isDense: !isDense })} />
        Dense rows
      </label>
      <fieldset>
        <legend>Columns</legend>
        {COLUMNS.map(({ key, word }) => (
          <label key={key} class="check">
            <input type="checkbox" checked={columns.includes(key)} onChange={() => toggle(key)} />
            {word}
          </label>
        ))}
      </fieldset>
      <p class="aside">A narrow window leaves out what has no room.</p>
      <button type="button" onClick={() => prefer({ columns: USUAL.columns, isDense: false })}>
        As it was
      </button>
    </>
  );
}
