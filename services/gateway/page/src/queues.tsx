// The queues, in the order in which their jobs run: made, changed, held and deleted.

import { useState } from "preact/hooks";

import { Act } from "./act.tsx";
import { tell } from "./api.ts";
import { useCell } from "./cell.ts";
import { useDesk } from "./desk.ts";
import { Dialog, Refusal } from "./dialog.tsx";
import * as format from "./format.ts";
import { Link } from "./link.tsx";
import { words } from "./lists.ts";
import { shown } from "./names.ts";
import { QueueForm } from "./queueform.tsx";
import type { Queue, QueueDeleted } from "./resources.ts";
import { administers, manages } from "./roles.ts";
import { State } from "./states.tsx";
import { inOrder } from "./view.ts";

type Open = { kind: "new" } | { kind: "edit" | "delete"; queue: Queue };

export function QueuesPage() {
  const desk = useDesk();
  const queues = inOrder(useCell(desk.board.queues));
  const me = useCell(desk.me);
  const [open, setOpen] = useState<Open | null>(null);
  const [told, setTold] = useState("");
  const close = (words = ""): void => {
    setOpen(null);
    setTold(words);
  };
  const hindrance = administers(me);
  return (
    <main class="view" aria-labelledby="view-title">
      <div class="view-head">
        <h2 id="view-title">Queues</h2>
        <p class="aside">In the order in which their jobs run: the highest priority first.</p>
        <button
          type="button"
          disabled={hindrance !== null}
          title={hindrance ?? undefined}
          onClick={() => setOpen({ kind: "new" })}
        >
          New queue …
        </button>
      </div>
      {hindrance !== null && (
        <p class="note">
          Making, changing and deleting queues is for an admin; you are{" "}
          {shown(me?.name ?? "")}, {me?.role}.
          {manages(me) === null && " You may pause and resume them."}
        </p>
      )}
      <p class="told" role="status">
        {told}
      </p>
      <Waiting isEmpty={queues.length === 0} />
      {queues.length > 0 && (
        <table class="plain queues">
          <thead>
            <tr>
              <th>Queue</th>
              <th class="figure">Priority</th>
              <th>Status</th>
              <th class="figure">Running</th>
              <th class="figure">Waiting</th>
              <th>Description</th>
              <th>
                <span class="unseen">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {queues.map((queue) => (
              <Row key={queue.id} queue={queue} onOpen={setOpen} />
            ))}
          </tbody>
        </table>
      )}
      {open?.kind === "new" && <QueueForm queue={null} onClose={close} />}
      {open?.kind === "edit" && <QueueForm queue={open.queue} onClose={close} />}
      {open?.kind === "delete" && <Deletion queue={open.queue} onClose={close} />}
    </main>
  );
}

/** There is always a queue: none are here only before the server has answered. */
function Waiting({ isEmpty }: { isEmpty: boolean }) {
  const unread = useCell(useDesk().unread);
  if (!isEmpty) return null;
  if (unread === null) return <State title="Reading the queues …" />;
  return (
    <State title="The queues cannot be read just now">
      {unread} This page tries again by itself.
    </State>
  );
}

function Row({ queue, onOpen }: { queue: Queue; onOpen: (open: Open) => void }) {
  const isPaused = queue.status === "paused";
  return (
    <tr data-status={isPaused ? "paused" : undefined}>
      <th scope="row">
        <Link to={`/?queue=${encodeURIComponent(queue.code)}`} title="Its jobs">
          <bdi>{shown(queue.code)}</bdi>
        </Link>
        {queue.default && <span class="mark">default</span>}
        {queue.compute_default && <span class="mark">compute default</span>}
      </th>
      <td class="figure">{queue.priority}</td>
      <td class="status">{isPaused ? "paused" : "enabled"}</td>
      <td class="figure">{format.count(queue.jobs_running)}</td>
      <td class="figure">{format.count(queue.jobs_waiting)}</td>
      <td class="text">{shown(queue.description)}</td>
      <td class="acts">
        <Acts queue={queue} onOpen={onOpen} />
      </td>
    </tr>
  );
}

function Acts({ queue, onOpen }: { queue: Queue; onOpen: (open: Open) => void }) {
  const desk = useDesk();
  const me = useCell(desk.me);
  const verb = queue.status === "paused" ? "resume" : "pause";
  const administration = administers(me);
  const kept = queue.default ? "Make another queue the default first." : null;
  const name = shown(queue.code);
  const settings = { level: "queue" as const, id: queue.id, name: queue.code };
  return (
    <>
      <Act
        icon={verb}
        label={`${verb === "pause" ? "Pause" : "Resume"} queue ${name}`}
        hindrance={manages(me)}
        onPress={() => void desk.tellQueue(queue, verb)}
      />
      <Act
        icon="edit"
        label={`Edit queue ${name}`}
        hindrance={administration}
        onPress={() => onOpen({ kind: "edit", queue })}
      />
      <Act
        icon="settings"
        label={`Settings of queue ${name}`}
        hindrance={null}
        onPress={() => desk.settings.set(settings)}
      />
      <Act
        icon="remove"
        label={`Delete queue ${name}`}
        hindrance={administration ?? kept}
        onPress={() => onOpen({ kind: "delete", queue })}
      />
    </>
  );
}

interface DeletionProps {
  queue: Queue;
  onClose: (told?: string) => void;
}

function Deletion({ queue, onClose }: DeletionProps) {
  const desk = useDesk();
  const [refusal, setRefusal] = useState("");
  const [isBusy, setBusy] = useState(false);
  const heir = useCell(desk.board.queues).find((one) => one.default)?.code ?? "the default queue";
  const remove = async (): Promise<void> => {
    setBusy(true);
    try {
      const done = await tell<QueueDeleted>("DELETE", `/api/queues/${queue.id}`);
      await desk.lists.queuesAndEndpoints(done.sequence);
      const jobs = done.jobs.length === 1 ? "1 job" : `${format.count(done.jobs.length)} jobs`;
      onClose(`${shown(queue.code)} is deleted; ${jobs} went to ${shown(done.to ?? heir)}.`);
    } catch (error) {
      setRefusal(words(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title={`Delete queue ${shown(queue.code)}?`} onClose={() => onClose()}>
      <p>
        Its unfinished jobs ({format.count(queue.jobs_running)} running,{" "}
        {format.count(queue.jobs_waiting)} waiting, and those paused or failed) go to the bottom
        of <b>{shown(heir)}</b>, in their order. A deleted queue does not come back.
      </p>
      <Refusal words={refusal} />
      <div class="answers">
        <button type="button" class="danger" disabled={isBusy} onClick={() => void remove()}>
          Delete
        </button>
        <button type="button" onClick={() => onClose()}>
          Keep
        </button>
      </div>
    </Dialog>
  );
}
