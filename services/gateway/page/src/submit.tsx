// A new job: a transfer or a command, from nothing or from one that was. Its form is at /submit.

import { useEffect, useRef, useState } from "preact/hooks";

import { ApiError, get, tell } from "./api.ts";
import { useCell } from "./cell.ts";
import { ComputeFields } from "./computefields.tsx";
import { useDesk } from "./desk.ts";
import { Refusal } from "./dialog.tsx";
import { again, BLANK, body, type Draft, type Kind, path } from "./draft.ts";
import { words } from "./lists.ts";
import { CommonFields } from "./commonfields.tsx";
import { Preview } from "./preview.tsx";
import type { Job, LogPage, Setting } from "./resources.ts";
import { addressOf } from "./route.ts";
import { State } from "./states.tsx";
import { TransferFields } from "./transferfields.tsx";

const KINDS: readonly [Kind, string][] = [
  ["transfer", "Transfer"],
  ["compute", "Compute"],
];

export interface FieldsProps {
  draft: Draft;
  change: (news: Partial<Draft>) => void;
  /** The name of the input that the server did not take. */
  fault: string | null;
}

export function SubmitPage() {
  const desk = useDesk();
  const query = new URLSearchParams(useCell(desk.query));
  const from = query.get("repeat");
  const kind = query.get("kind") === "compute" ? "compute" : "transfer";
  const [draft, setDraft] = useState<Draft | null>(from === null ? { ...BLANK, kind } : null);
  const [known, setKnown] = useState<readonly Setting[] | null>(null);
  const [error, setError] = useState("");
  useEffect(() => void get<Setting[]>("/api/settings").then(setKnown, () => setKnown([])), []);
  useEffect(() => {
    if (from === null) return;
    void repeated(from).then(setDraft, (failure: unknown) => setError(words(failure)));
  }, [from]);
  if (error) return <State title="The job to repeat cannot be read">{error}</State>;
  if (draft === null) return <State title="Reading the job to repeat …" />;
  if (known === null) return <State title="Reading what can be set …" />;
  return <Form first={draft} known={known} isRepeat={from !== null} />;
}

async function repeated(id: string): Promise<Draft> {
  const at = `/api/jobs/${encodeURIComponent(id)}`;
  const [job, log, held] = await Promise.all([
    get<Job>(at),
    get<LogPage>(`${at}/log?limit=1`),
    get<Setting[]>(`${at}/settings`),
  ]);
  return again(job, log.lines[0], held);
}

interface FormProps {
  first: Draft;
  known: readonly Setting[];
  isRepeat: boolean;
}

function Form({ first, known, isRepeat }: FormProps) {
  const desk = useDesk();
  const [draft, setDraft] = useState(first);
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const [previewed, setPreviewed] = useState<object | null>(null);
  const form = useRef<HTMLFormElement>(null);
  const change = (news: Partial<Draft>): void => {
    setDraft((before) => ({ ...before, ...news }));
    setPreviewed(null);
  };
  const submit = async (): Promise<void> => {
    setBusy(true);
    try {
      const done = await tell("POST", path(draft), body(draft, known));
      await desk.seen(done);
      desk.visit(addressOf(done.jobs[0] ?? ""));
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  const fields = { draft, change, fault: error instanceof ApiError ? error.field : null };
  const isTransfer = draft.kind === "transfer";
  return (
    <main class="view submit" aria-labelledby="view-title">
      <div class="view-head">
        <h2 id="view-title">{isRepeat ? "Repeat a job" : "New job"}</h2>
        <div class="choices" role="group" aria-label="Kind of job">
          {KINDS.map(([kind, word]) => (
            <button
              key={kind}
              type="button"
              aria-pressed={draft.kind === kind}
              onClick={() => change({ kind })}
            >
              {word}
            </button>
          ))}
        </div>
      </div>
      <form
        ref={form}
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {isTransfer ? <TransferFields {...fields} /> : <ComputeFields {...fields} />}
        <CommonFields {...fields} known={known} />
        <Refusal words={error === null ? "" : words(error)} />
        <div class="answers">
          <button type="submit" class="main" disabled={isBusy}>
            {draft.paused ? "Submit, paused" : "Submit"}
          </button>
          {isTransfer && (
            <button
              type="button"
              onClick={() => form.current?.reportValidity() && setPreviewed(body(draft, known))}
            >
              Preview
            </button>
          )}
        </div>
      </form>
      {previewed !== null && <Preview told={previewed} />}
    </main>
  );
}
