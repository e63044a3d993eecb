// What a queue is called and when its jobs run: for a new one, or one that is there.

import { useState } from "preact/hooks";

import { ApiError, tell } from "./api.ts";
import { useDesk } from "./desk.ts";
import { Dialog, Refusal } from "./dialog.tsx";
import { Field, PLAIN } from "./field.tsx";
import { words } from "./lists.ts";
import { shown } from "./names.ts";
import type { Queue } from "./resources.ts";

const CODE = "[A-Za-z0-9_\\-]([A-Za-z0-9_.\\-]{0,62}[A-Za-z0-9_\\-])?";
const FRESH = { code: "", priority: 500, description: "", default: false, compute_default: false };

interface Props {
  queue: Queue | null;
  onClose: (told?: string) => void;
}

export function QueueForm({ queue, onClose }: Props) {
  const desk = useDesk();
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const from = queue ?? FRESH;
  const save = async (form: HTMLFormElement): Promise<void> => {
    setBusy(true);
    const told = { ...written(form), ...(queue?.default && { default: null }) };
    try {
      const done = await (queue === null
        ? tell("POST", "/api/queues", told)
        : tell("PATCH", `/api/queues/${queue.id}`, told));
      await desk.lists.queuesAndEndpoints(done.sequence);
      onClose(`${told.code} is ${queue === null ? "there" : "changed"}.`);
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  const atFault = error instanceof ApiError ? error.field : null;
  const title = queue === null ? "New queue" : `Queue ${shown(queue.code)}`;
  return (
    <Dialog title={title} onClose={() => onClose()}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void save(event.currentTarget);
        }}
      >
        <Field label="Code">
          {(tied) => (
            <input
              {...tied}
              {...PLAIN}
              name="code"
              defaultValue={from.code}
              required
              maxLength={64}
              pattern={CODE}
              title="Letters, digits, underscores, hyphens and, inside, dots"
              aria-invalid={atFault === "code"}
            />
          )}
        </Field>
        <Field label="Priority" hint="0 to 1000; jobs of the highest run first">
          {(tied) => (
            <input
              {...tied}
              name="priority"
              type="number"
              min={0}
              max={1000}
              required
              defaultValue={String(from.priority)}
              aria-invalid={atFault === "priority"}
            />
          )}
        </Field>
        <Field label="Description">
          {(tied) => (
            <input
              {...tied}
              name="description"
              defaultValue={from.description}
              maxLength={2000}
              aria-invalid={atFault === "description"}
            />
          )}
        </Field>
        <Check name="default" isSet={from.default} isKept={from.default}>
          Takes the jobs that name no queue
          {from.default && <small>To change that, make another queue the default.</small>}
        </Check>
        <Check name="compute_default" isSet={from.compute_default} isKept={false}>
          Takes the compute jobs that name no queue
        </Check>
        <Refusal words={error === null ? "" : words(error)} />
        <div class="answers">
          <button type="submit" class="main" disabled={isBusy}>
            {queue === null ? "Make it" : "Save"}
          </button>
          <button type="button" onClick={() => onClose()}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface CheckProps {
  name: string;
  isSet: boolean;
  isKept: boolean;
  children: preact.ComponentChildren;
}

function Check({ name, isSet, isKept, children }: CheckProps) {
  return (
    <label class="check">
      <input type="checkbox" name={name} defaultChecked={isSet} disabled={isKept} />
      <span>{children}</span>
    </label>
  );
}

function written(form: HTMLFormElement) {
  const given = new FormData(form);
  return {
    code: String(given.get("code")),
    priority: Number(given.get("priority")),
    description: String(given.get("description")),
    default: given.has("default"),
    compute_default: given.has("compute_default"),
  };
}
