// The head of a group: a queue with its priority and counts, or a day.

import { memo } from "preact/compat";
import { useRef, useState } from "preact/hooks";

import { useCell, useDerived } from "./cell.ts";
import { useDesk } from "./desk.ts";
import { useHeadAsTarget } from "./drag.ts";
import * as format from "./format.ts";
import { Icon } from "./icons.tsx";
import { moving, words } from "./moving.ts";
import { shown } from "./names.ts";
import type { Queue } from "./resources.ts";
import { type Group, tally } from "./view.ts";

export const GroupHead = memo(function GroupHead({ group }: { group: Group }) {
  const { queue } = group;
  const isPaused = queue?.status === "paused";
  const head = useRef<HTMLHeadingElement>(null);
  useHeadAsTarget(head, group.key);
  const landing = useDerived(moving, (now) => (now?.slot?.key === group.key ? words(now) : ""));
  const isInto = useDerived(moving, (now) => now?.slot?.isInto === true);
  return (
    <h2
      ref={head}
      class="head"
      data-drop={landing ? (isInto ? "into" : "below") : undefined}
      data-paused={isPaused ? "" : undefined}
    >
      <bdi class="title">{shown(group.title)}</bdi>
      {queue && (
        <span class="priority" title={shown(queue.description) || undefined}>
          priority {queue.priority}
          {queue.default && " · default"}
          {queue.compute_default && " · compute default"}
        </span>
      )}
      {isPaused && <span class="badge">queue paused</span>}
      <Counts group={group} />
      {landing && <span class="landing">{shown(landing)}</span>}
      {queue && <Set queue={queue} />}
      {queue && <Hold queue={queue} />}
    </h2>
  );
});

function Set({ queue }: { queue: Queue }) {
  const desk = useDesk();
  const words = `Settings of queue ${shown(queue.code)}`;
  return (
    <button
      type="button"
      class="hold"
      title={words}
      aria-label={words}
      onClick={() => desk.settings.set({ level: "queue", id: queue.id, name: queue.code })}
    >
      <Icon name="settings" />
    </button>
  );
}

/** Hold all jobs of the queue, or let them go on; what the queue is now comes from the server. */
function Hold({ queue }: { queue: Queue }) {
  const desk = useDesk();
  const [isTold, setTold] = useState(false);
  const verb = queue.status === "paused" ? "resume" : "pause";
  const words = `${verb === "pause" ? "Pause" : "Resume"} queue ${shown(queue.code)}`;
  const press = async (): Promise<void> => {
    if (isTold) return;
    setTold(true);
    await desk.tellQueue(queue, verb);
    setTold(false);
  };
  return (
    <button
      type="button"
      class="hold"
      title={words}
      aria-label={words}
      aria-busy={isTold}
      onClick={() => void press()}
    >
      <Icon name={verb} />
    </button>
  );
}

/** Counted from the rows; while not all are loaded, what the server says of the queue. */
function Counts({ group }: { group: Group }) {
  const { lists, route } = useDesk();
  const loaded = useCell(lists.of(useCell(route).tab));
  const { queue, jobs } = group;
  if (queue && loaded.next !== null) {
    return (
      <span class="counts">
        {format.count(queue.jobs_running)} running · {format.count(queue.jobs_waiting)} waiting
      </span>
    );
  }
  if (jobs.length === 0) return <span class="counts">empty</span>;
  return (
    <span class="counts">
      {tally(jobs).map(({ status, word, count }) => (
        <span key={status} data-status={status}>
          {format.count(count)} {word}
        </span>
      ))}
    </span>
  );
}
