// My jobs: a ring in the corner for the one that runs longest, a drawer with all of them, and news
// of those that end.

import { useEffect, useRef, useState } from "preact/hooks";

import { Cell, useCell } from "./cell.ts";
import { useDesk } from "./desk.ts";
import { Icon } from "./icons.tsx";
import { progress, situation, STATUS_WORDS } from "./jobs.ts";
import { Link } from "./link.tsx";
import { brief, endedSince, icon, mine, news, oldestRunning } from "./mine.ts";
import { shown } from "./names.ts";
import { prefer, prefs } from "./prefs.ts";
import type { Job, Status } from "./resources.ts";
import { addressOf } from "./route.ts";

const USUAL_ICON = "/favicon.svg";
const ROUND = 2 * Math.PI * 8;
const isOpen = new Cell(false);

export function MyJobs() {
  const me = useCell(useDesk().me);
  if (me === null) return null;
  return <Mine me={me.name} />;
}

function Mine({ me }: { me: string }) {
  const desk = useDesk();
  const job = useOldest(me);
  const shown = useCell(isOpen);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => void desk.lists.mine(me, "active"), [me]);
  useNews(me);
  useIcon(job);
  const label = job === null ? "My jobs" : `My jobs: ${job.name}, ${brief(job)}`;
  const close = (): void => {
    isOpen.set(false);
    button.current?.focus();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class="ring"
        title={label}
        aria-label={label}
        aria-expanded={shown}
        onClick={() => isOpen.set(!shown)}
      >
        <Ring share={job === null ? null : progress(job)} />
        {job !== null && <span class="live-only">{brief(job)}</span>}
      </button>
      {shown && <Drawer me={me} onClose={close} />}
    </>
  );
}

function Ring({ share }: { share: number | null }) {
  return (
    <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
      <circle class="whole" cx="10" cy="10" r="8" />
      {share !== null && (
        <circle
          class="part"
          cx="10"
          cy="10"
          r="8"
          transform="rotate(-90 10 10)"
          strokeDasharray={`${ROUND * share} ${ROUND}`}
        />
      )}
    </svg>
  );
}

/** Of my jobs the one that runs longest, drawn with each of its ticks. */
export function useOldest(me: string | null): Job | null {
  const { board } = useDesk();
  useCell(board.shape);
  const jobs = [...board.jobs.values()].map((cell) => cell.get());
  const oldest = me === null ? null : oldestRunning(jobs, me);
  return useCell((board.jobs.get(oldest?.id ?? "") ?? NOBODY) as Cell<Job | null>);
}

const NOBODY = new Cell<Job | null>(null);

function useIcon(job: Job | null): void {
  const share = job === null ? null : progress(job);
  const percent = share === null ? null : Math.floor(share * 100);
  useEffect(() => {
    const link = document.querySelector<HTMLLinkElement>("link[rel=icon]");
    if (link !== null) link.href = icon(percent === null ? null : percent / 100, USUAL_ICON);
  }, [percent]);
}

/** Says by the system's own means that a job of mine ended, if that is wished and allowed. */
function useNews(me: string): void {
  const desk = useDesk();
  const shape = useCell(desk.board.shape);
  const known = useRef<ReadonlyMap<string, Status>>(new Map());
  useEffect(() => {
    const jobs = [...desk.board.jobs.values()].map((cell) => cell.get());
    const own = jobs.filter((job) => job.user === me);
    const ended = endedSince(known.current, own);
    known.current = new Map(own.map((job) => [job.id, job.status]));
    if (!prefs.get().notifies || !("Notification" in window)) return;
    for (const job of ended) {
      const told = new Notification(news(job), { body: situation(job, Date.now()), tag: job.id });
      told.onclick = () => {
        window.focus();
        desk.visit(addressOf(job.id));
      };
    }
  }, [shape]);
}

function Drawer({ me, onClose }: { me: string; onClose: () => void }) {
  const desk = useDesk();
  const [isRead, setRead] = useState(false);
  const box = useRef<HTMLElement>(null);
  useCell(desk.board.shape);
  useEffect(() => {
    box.current?.focus();
    void desk.lists.mine(me, "finished").finally(() => setRead(true));
  }, []);
  const { active, finished } = mine(
    [...desk.board.jobs.values()].map((cell) => cell.get()),
    me,
  );
  const escape = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    onClose();
  };
  return (
    <aside ref={box} class="drawer" tabIndex={-1} aria-label="My jobs" onKeyDown={escape}>
      <header>
        <h2>My jobs</h2>
        <button type="button" class="quiet" aria-label="Close my jobs" onClick={onClose}>
          <Icon name="abort" />
        </button>
      </header>
      <Wish />
      <h3>Active {active.length}</h3>
      <Some jobs={active} none="None of your jobs is active." />
      <h3>Finished</h3>
      <Some jobs={finished} none={isRead ? "None of your jobs has finished." : "Reading …"} />
    </aside>
  );
}

function Some({ jobs, none }: { jobs: Job[]; none: string }) {
  const { board } = useDesk();
  if (jobs.length === 0) return <p class="aside">{none}</p>;
  return (
    <ul>
      {jobs.map(({ id }) => {
        const cell = board.jobs.get(id);
        return cell && <One key={id} cell={cell} />;
      })}
    </ul>
  );
}

function One({ cell }: { cell: Cell<Job> }) {
  const job = useCell(cell);
  return (
    <li data-status={job.status} style={{ "--progress": String(progress(job) ?? 0) }}>
      <Icon name={job.status} />
      <Link to={addressOf(job.id)}>
        <bdi>{shown(job.name)}</bdi>
      </Link>
      <span class="brief">{job.status === "running" ? brief(job) : STATUS_WORDS[job.status]}</span>
      <span class="aside">{situation(job, Date.now())}</span>
    </li>
  );
}

/** A browser asks its user once, and may say no for ever. */
function Wish() {
  const desk = useDesk();
  const { notifies } = useCell(prefs);
  const wish = async (): Promise<void> => {
    if (notifies) return prefer({ notifies: false });
    if (!("Notification" in window) || !window.isSecureContext) {
      return desk.toast("This browser notifies only over https or on this machine.");
    }
    const answer = await Notification.requestPermission();
    if (answer === "granted") prefer({ notifies: true });
    else desk.toast("The browser does not let this page notify: allow it in its site settings.");
  };
  return (
    <label class="check">
      <input type="checkbox" checked={notifies} onChange={() => void wish()} />
      Notify me when a job of mine is done or fails
    </label>
  );
}
