// Below an opened job: which way it goes, when it came and went, and what it is called for good.

import { useState } from "preact/hooks";

import { Time } from "./clock.tsx";
import { useDesk } from "./desk.ts";
import { Icon } from "./icons.tsx";
import { shown } from "./names.ts";
import type { Job } from "./resources.ts";

export function Footer({ job }: { job: Job }) {
  return (
    <footer class="foot">
      {job.compute ? (
        <bdi>{shown(job.compute.command)}</bdi>
      ) : (
        <span class="from-to">
          <bdi>{shown(job.source ?? "")}</bdi> › <bdi>{shown(job.destination ?? "")}</bdi>
        </span>
      )}
      <span>
        created <Time at={job.created_at} />
      </span>
      {job.finished_at !== null && (
        <span>
          finished <Time at={job.finished_at} />
        </span>
      )}
      <Copied text={job.id} />
    </footer>
  );
}

function Copied({ text }: { text: string }) {
  const desk = useDesk();
  const [isDone, setDone] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setDone(true);
      setTimeout(() => setDone(false), 1_500);
    } catch {
      desk.toast("The browser does not let this page copy: select the id and copy it yourself.");
    }
  };
  return (
    <span class="copied">
      <code>{text}</code>
      <button
        type="button"
        class="quiet"
        title="Copy"
        aria-label="Copy id"
        onClick={() => void copy()}
      >
        <Icon name={isDone ? "done" : "copy"} />
      </button>
    </span>
  );
}
