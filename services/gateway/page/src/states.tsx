// What stands where no rows do: loading, nothing there, nothing found, no answer.

import { useCell } from "./cell.ts";
import { useDesk } from "./desk.ts";
import * as format from "./format.ts";
import { Link } from "./link.tsx";
import { shown } from "./names.ts";
import { UNFILTERED } from "./route.ts";
import { isFiltered } from "./view.ts";
import { SUBMIT } from "./views.ts";

export function Nothing({ isEmpty }: { isEmpty: boolean }) {
  const { lists, route } = useDesk();
  const now = useCell(route);
  const { tab, search } = now;
  const loaded = useCell(lists.of(tab));
  if (!isEmpty) return null;
  if (loaded.error !== null) {
    return (
      <State title="The jobs cannot be read just now">
        {loaded.error} This page tries again by itself.
      </State>
    );
  }
  if (loaded.phase !== "ready") return <State title="Reading the jobs …" />;
  if (search) return <NotFound search={search} />;
  if (isFiltered(now)) return <FilteredOut />;
  if (tab === "finished") {
    return <State title="Nothing has finished yet">Jobs that are done or aborted come here.</State>;
  }
  return (
    <State title="All is quiet: no jobs">
      Start one by <Link to={SUBMIT}>New job</Link> (key n), or in a terminal:
      <code>haulage submit transfer hq:projects/shot010/ stockholm:incoming/</code>
      It shows here at once.
    </State>
  );
}

function NotFound({ search }: { search: string }) {
  const desk = useDesk();
  return (
    <State title={`Nothing here matches “${shown(search)}”`}>
      The search looks at names, paths, users, endpoints and ids of this tab.
      <button type="button" onClick={() => desk.go({ search: "" })}>
        Show all jobs
      </button>
    </State>
  );
}

function FilteredOut() {
  const desk = useDesk();
  return (
    <State title="The filter lets no job through">
      <button type="button" onClick={() => desk.go(UNFILTERED)}>
        Show all jobs
      </button>
    </State>
  );
}

export function State({ title, children }: { title: string; children?: preact.ComponentChildren }) {
  return (
    <div class="state" role="status">
      <p class="title">{title}</p>
      {children && <p>{children}</p>}
    </div>
  );
}

/** Below the last row, where the server has more than is loaded. */
export function Ending() {
  const { board, lists, route } = useDesk();
  const { tab, sort } = useCell(route);
  const loaded = useCell(lists.of(tab));
  useCell(board.shape);
  if (loaded.next === null || loaded.phase === "unloaded") return null;
  if (loaded.error !== null) return <p class="ending">{loaded.error}</p>;
  if (sort !== null && loaded.phase === "ready") {
    const [known, all] = [board.jobs.size, loaded.total ?? 0].map(format.count);
    return (
      <p class="ending">
        sorted among the {known} that are read, of {all}
      </p>
    );
  }
  return <p class="ending">reading more of {format.count(loaded.total ?? 0)} …</p>;
}
