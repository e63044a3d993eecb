// The machines that send, receive and compute: who is there, what they serve, what they are at.

import { useEffect, useState } from "preact/hooks";

import { tell, get } from "./api.ts";
import { useCell } from "./cell.ts";
import { Time } from "./clock.tsx";
import { useDesk } from "./desk.ts";
import { Dialog, Refusal } from "./dialog.tsx";
import { EndpointDetails } from "./endpoint.tsx";
import * as format from "./format.ts";
import { Icon } from "./icons.tsx";
import { words } from "./lists.ts";
import { shown } from "./names.ts";
import type { Endpoint, Setting } from "./resources.ts";
import { manages } from "./roles.ts";
import { State } from "./states.tsx";

const LANES = "client_compute_lanes";

export function EndpointsPage() {
  const desk = useDesk();
  const endpoints = [...useCell(desk.board.endpoints)];
  endpoints.sort((a, b) => (a.name < b.name ? -1 : 1));
  const query = new URLSearchParams(useCell(desk.query));
  const [disabling, setDisabling] = useState<Endpoint | null>(null);
  const lanes = useWorkspaceLanes();
  const hindrance = manages(useCell(desk.me));
  const opened = new Set(query.getAll("endpoint"));
  const toggle = (name: string): void => {
    const now = opened.has(name) ? [...opened].filter((one) => one !== name) : [...opened, name];
    desk.ask(new URLSearchParams(now.map((one) => ["endpoint", one])));
  };
  return (
    <main class="view" aria-labelledby="view-title">
      <div class="view-head">
        <h2 id="view-title">Endpoints</h2>
        <p class="aside">
          The machines that send, receive and compute. Another one joins by{" "}
          <code>haulage agent --name NAME --volume CODE=PATH</code>
        </p>
      </div>
      {hindrance !== null && (
        <p class="note">Taking endpoints out of use is for an admin or an employee.</p>
      )}
      <Waiting isEmpty={endpoints.length === 0} />
      <ul class="machines">
        {endpoints.map((one) => (
          <li key={one.id} data-status={one.disabled ? "disabled" : one.status}>
            <Head
              endpoint={one}
              lanes={one.lanes ?? lanes}
              isOpen={opened.has(one.name)}
              hindrance={hindrance}
              onToggle={() => toggle(one.name)}
              onDisable={() => setDisabling(one)}
            />
            {opened.has(one.name) && <EndpointDetails endpoint={one} />}
          </li>
        ))}
      </ul>
      {disabling && <Disable endpoint={disabling} onClose={() => setDisabling(null)} />}
    </main>
  );
}

/** How many lanes an endpoint has that says nothing of its own; null until that is known. */
function useWorkspaceLanes(): number | null {
  const [lanes, setLanes] = useState<number | null>(null);
  useEffect(() => {
    const read = async (): Promise<void> => {
      const all = await get<Setting[]>("/api/settings");
      setLanes(Number(all.find((one) => one.name === LANES)?.value ?? 1));
    };
    void read().catch(() => undefined);
  }, []);
  return lanes;
}

function Waiting({ isEmpty }: { isEmpty: boolean }) {
  const desk = useDesk();
  const unread = useCell(desk.unread);
  const isRead = useCell(desk.board.queues).length > 0;
  if (!isEmpty) return null;
  if (isRead) {
    return (
      <State title="No endpoint is here yet">
        Start one on a machine that has files:
        <code>haulage agent --name hq --volume projects=/srv/projects</code>
        It shows here at once.
      </State>
    );
  }
  if (unread === null) return <State title="Reading the endpoints …" />;
  return (
    <State title="The endpoints cannot be read just now">
      {unread} This page tries again by itself.
    </State>
  );
}

interface HeadProps {
  endpoint: Endpoint;
  lanes: number | null;
  isOpen: boolean;
  hindrance: string | null;
  onToggle: () => void;
  onDisable: () => void;
}

function Head({ endpoint, lanes, isOpen, hindrance, onToggle, onDisable }: HeadProps) {
  const desk = useDesk();
  const name = shown(endpoint.name);
  const settings = { level: "endpoint" as const, id: endpoint.id, name: endpoint.name };
  const enable = async (): Promise<void> => {
    try {
      const done = await tell("POST", `/api/endpoints/${endpoint.id}/enable`);
      await desk.lists.queuesAndEndpoints(done.sequence);
    } catch (error) {
      desk.toast(`Could not enable ${name}: ${words(error)}`);
    }
  };
  return (
    <div class="machine">
      <button
        type="button"
        class="quiet expander"
        aria-expanded={isOpen}
        aria-label={`Details of ${name}`}
        onClick={onToggle}
      >
        <Icon name="open" />
      </button>
      <h3>
        <bdi>{name}</bdi>
      </h3>
      <Standing endpoint={endpoint} />
      <span class="work">{work(endpoint, lanes)}</span>
      <span class="rooms">{endpoint.volumes.map(room).join(" · ") || "no volumes"}</span>
      <span class="acts">
        <button type="button" onClick={() => desk.settings.set(settings)}>
          Settings …<span class="unseen"> of {name}</span>
        </button>
        <button
          type="button"
          disabled={hindrance !== null}
          title={hindrance ?? undefined}
          onClick={() => (endpoint.disabled ? void enable() : onDisable())}
        >
          {endpoint.disabled ? "Enable" : "Disable …"}
          <span class="unseen"> {name}</span>
        </button>
      </span>
    </div>
  );
}

function Standing({ endpoint }: { endpoint: Endpoint }) {
  const { status, since, disabled } = endpoint;
  return (
    <span class="standing">
      <span class="status">{status}</span>
      {since !== null && (
        <span class="aside">
          {" "}
          since <Time at={since} />
        </span>
      )}
      {disabled !== null && (
        <span class="mark">
          disabled by {shown(disabled.by)} <Time at={disabled.at} />
        </span>
      )}
    </span>
  );
}

function work({ jobs_running, machine, lanes_taken }: Endpoint, lanes: number | null): string {
  const jobs = jobs_running === 1 ? "1 job" : `${format.count(jobs_running)} jobs`;
  if (machine === null) return jobs;
  const of = lanes === null ? "" : ` of ${format.count(lanes)}`;
  return `${jobs} · ${format.count(lanes_taken)}${of} lanes busy`;
}

function room({ code, online, full, free_bytes }: Endpoint["volumes"][number]): string {
  const free = free_bytes === null ? "" : `${format.size(free_bytes)} free`;
  const said = online ? [full && "full", free].filter(Boolean).join(", ") : "offline";
  return said ? `${shown(code)} (${said})` : shown(code);
}

function Disable({ endpoint, onClose }: { endpoint: Endpoint; onClose: () => void }) {
  const desk = useDesk();
  const [refusal, setRefusal] = useState("");
  const [isBusy, setBusy] = useState(false);
  const disable = async (): Promise<void> => {
    setBusy(true);
    try {
      const done = await tell("POST", `/api/endpoints/${endpoint.id}/disable`);
      await desk.lists.queuesAndEndpoints(done.sequence);
      onClose();
    } catch (error) {
      setRefusal(words(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title={`Disable ${shown(endpoint.name)}?`} onClose={onClose}>
      <p>
        Its transfers stop at once, keep what they have moved, and wait until it is enabled; those
        who look see your name. Commands that run there finish, no more are started.
      </p>
      <Refusal words={refusal} />
      <div class="answers">
        <button type="button" class="danger" disabled={isBusy} onClick={() => void disable()}>
          Disable
        </button>
        <button type="button" onClick={onClose}>
          Keep in use
        </button>
      </div>
    </Dialog>
  );
}
