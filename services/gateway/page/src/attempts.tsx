// The tries of a task, and what the command of one of them wrote, in a real dialog: Escape closes
// it and the focus goes back to where it was.

import { useEffect, useRef, useState } from "preact/hooks";

import { useAgain } from "./again.ts";
import { get } from "./api.ts";
import { Time } from "./clock.tsx";
import * as format from "./format.ts";
import { words } from "./lists.ts";
import { shown } from "./names.ts";
import { Output } from "./output.tsx";
import type { Attempt, AttemptPage, Job, Task } from "./resources.ts";

const PAGE = 200;
const REST_MS = 500;
const HEADS = ["Try", "Outcome", "Endpoint", "Start", "Time", "Bytes", "Rate"];
const OF_COMMANDS = ["Exit", "Memory", "CPU"];

interface Asked {
  job: Job;
  task: Task;
  onClose: () => void;
}

export function Attempts({ job, task, onClose }: Asked) {
  const dialog = useRef<HTMLDialogElement>(null);
  const { attempts, isAll, error } = useAttempts(job, task);
  const [chosen, choose] = useState<number | null>(null);
  const read = chosen ?? attempts?.at(-1)?.attempt ?? null;
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      class="sheet attempts"
      aria-labelledby="attempts-title"
      onClose={onClose}
      onKeyDown={(event) => event.stopPropagation()}
      onClick={(event) => event.target === event.currentTarget && dialog.current?.close()}
    >
      <h2 id="attempts-title">
        Tries of <bdi>{shown(task.name)}</bdi>
      </h2>
      {attempts === null ? (
        <p class="aside">{error ?? "Reading the tries …"}</p>
      ) : (
        <Table
          attempts={attempts}
          read={job.compute === null ? null : read}
          onRead={job.compute === null ? null : choose}
        />
      )}
      {!isAll && <p class="aside">These are the first {PAGE}.</p>}
      {job.compute !== null && read !== null && (
        <Output key={read} job={job.id} task={task.number} attempt={read} />
      )}
      <button type="button" onClick={() => dialog.current?.close()}>
        Close
      </button>
    </dialog>
  );
}

function useAttempts(job: Job, task: Task) {
  const [page, setPage] = useState<AttemptPage | null>(null);
  const [error, setError] = useState<string | null>(null);
  const read = async (signal: AbortSignal): Promise<void> => {
    try {
      const path = `/api/jobs/${job.id}/tasks/${task.number}/attempts?limit=${PAGE}`;
      setPage(await get<AttemptPage>(path, signal));
      setError(null);
    } catch (failure) {
      if (!signal.aborted) setError(words(failure));
    }
  };
  useAgain(read, REST_MS, [job.sequence]);
  return { attempts: page?.attempts ?? null, isAll: !page?.next, error };
}

/** What only commands have is left out where there is none of it. */
interface TableProps {
  attempts: Attempt[];
  /** The try whose process log is shown. */
  read: number | null;
  onRead: ((attempt: number) => void) | null;
}

function Table({ attempts, read, onRead }: TableProps) {
  const ofCommands = attempts.some((one) => one.exit_code !== null || one.cpu_s !== null);
  const heads = ofCommands ? [...HEADS, ...OF_COMMANDS] : HEADS;
  return (
    <div class="scrolled" tabIndex={0} role="region" aria-label="Tries">
      <table>
        <thead>
          <tr>
            {[...heads, "Why"].map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {attempts.map((one) => (
            <Line
              key={one.attempt}
              attempt={one}
              ofCommands={ofCommands}
              isRead={one.attempt === read}
              onRead={onRead}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface LineProps {
  attempt: Attempt;
  ofCommands: boolean;
  isRead: boolean;
  onRead: ((attempt: number) => void) | null;
}

function Line({ attempt, ofCommands, isRead, onRead }: LineProps) {
  return (
    <tr data-status={attempt.outcome}>
      <td>
        {attempt.attempt}
        {onRead !== null && (
          <button
            type="button"
            class="quiet"
            aria-pressed={isRead}
            aria-label={`Log of try ${attempt.attempt}`}
            onClick={() => onRead(attempt.attempt)}
          >
            log
          </button>
        )}
      </td>
      <td class="outcome">{attempt.outcome}</td>
      <td>
        <bdi>{shown(attempt.endpoint ?? "")}</bdi>
      </td>
      <td>{attempt.started_at && <Time at={attempt.started_at} seconds />}</td>
      <td>{format.took(attempt.took_s)}</td>
      <td>{known(attempt.bytes, format.size)}</td>
      <td>{known(attempt.bytes_per_second, format.rate)}</td>
      {ofCommands && (
        <>
          <td>{attempt.exit_code ?? "–"}</td>
          <td>{known(attempt.peak_memory_bytes || null, format.size)}</td>
          <td>{format.took(attempt.cpu_s)}</td>
        </>
      )}
      <td class="why">{why(attempt)}</td>
    </tr>
  );
}

function known(value: number | null, say: (value: number) => string): string {
  return value === null ? "–" : say(value);
}

function why(attempt: Attempt): string {
  const cause = attempt.cause?.replaceAll("_", " ") ?? null;
  const told = [cause, attempt.error_class, attempt.error_message];
  return shown(told.filter((one) => one !== null).join(": "));
}
