// The settings of the workspace, a queue or a job, in a real dialog, and a job's in its tab. Each
// change is told at once; who may change what is for the server to say, and its words are shown.

import { useEffect, useId, useRef, useState } from "preact/hooks";

import { changeSettings, get } from "./api.ts";
import { useCell } from "./cell.ts";
import { useDesk } from "./desk.ts";
import { words } from "./lists.ts";
import { shown } from "./names.ts";
import type { Job, Setting } from "./resources.ts";
import { bounds, type Holder, origin, path, title, type Value, value } from "./setting.ts";

export function SettingsSheet() {
  const desk = useDesk();
  const holder = useCell(desk.settings);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (holder) dialog.current?.showModal();
    else dialog.current?.close();
  }, [holder]);
  return (
    <dialog
      ref={dialog}
      class="sheet settings"
      aria-labelledby="settings-title"
      onClose={() => desk.settings.set(null)}
      onClick={(event) => event.target === dialog.current && desk.settings.set(null)}
    >
      {holder && (
        <>
          <h2 id="settings-title">{title({ ...holder, name: shown(holder.name) })}</h2>
          <Settings key={path(holder)} holder={holder} />
          <button type="button" onClick={() => desk.settings.set(null)}>
            Close
          </button>
        </>
      )}
    </dialog>
  );
}

/** Those of a job, in its tab. */
export function OfJob({ job }: { job: Job }) {
  return (
    <div class="settings tab" tabIndex={0} role="region" aria-label="Settings of this job">
      <Settings holder={{ level: "job", id: job.id, name: job.name }} />
    </div>
  );
}

type Change = { set: Record<string, Value> } | { unset: string[] };

function Settings({ holder }: { holder: Holder }) {
  const desk = useDesk();
  const [all, setAll] = useState<Setting[] | null>(null);
  const [refusal, setRefusal] = useState("");
  const isLooked = useRef(true);
  /** Whether it was done. */
  const attempt = async (doing: () => Promise<unknown>): Promise<boolean> => {
    try {
      await doing();
      setAll(await get<Setting[]>(path(holder)));
      setRefusal("");
      return true;
    } catch (error) {
      if (isLooked.current) setRefusal(words(error));
      else desk.toast(words(error));
      return false;
    }
  };
  useEffect(() => {
    void attempt(async () => undefined);
    return () => void (isLooked.current = false);
  }, []);
  const change = (wanted: Change): Promise<boolean> =>
    attempt(() => changeSettings(path(holder), wanted));
  return (
    <>
      <p class="aside">The nearest wins: of the job, else of its queue, else of the workspace.</p>
      {refusal && (
        <p class="refusal" role="alert">
          {shown(refusal)}
        </p>
      )}
      {all === null && !refusal && <p class="aside">Asking the scheduler …</p>}
      <ul>
        {all?.map((one) => (
          <Line key={one.name} setting={one} holder={holder} change={change} />
        ))}
      </ul>
    </>
  );
}

interface LineProps {
  setting: Setting;
  holder: Holder;
  change: (wanted: Change) => Promise<boolean>;
}

function Line({ setting, holder, change }: LineProps) {
  const { name, source } = setting;
  const isHere = source === holder.level;
  const id = useId();
  return (
    <li data-source={isHere ? "here" : source}>
      <label for={id}>{name}</label>
      <span class="aside meaning">{setting.meaning}</span>
      <span class="control">
        <Control id={id} setting={setting} change={(typed) => change({ set: { [name]: typed } })} />
        <span class="aside">{bounds(setting)}</span>
      </span>
      <span class="origin">{origin(setting, holder)}</span>
      {isHere && (
        <button
          type="button"
          title={`Unset ${name}: the next level's value holds again`}
          onClick={() => void change({ unset: [name] })}
        >
          Unset<span class="unseen"> {name}</span>
        </button>
      )}
    </li>
  );
}

interface ControlProps {
  id: string;
  setting: Setting;
  change: (typed: Value) => Promise<boolean>;
}

/** Shows what holds: what is refused goes back to it. A number is told by Enter or on leaving. */
function Control({ id, setting, change }: ControlProps) {
  const held = String(setting.value);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (field.current) field.current.value = held;
  }, [held]);
  const tell = async (): Promise<void> => {
    const input = field.current;
    if (input === null || input.value === held || input.readOnly) return;
    input.readOnly = true; // Leaving it meanwhile does not tell it twice.
    if (!(await change(value(setting, input.value)))) input.value = held;
    input.readOnly = false;
  };
  const choose = async (select: HTMLSelectElement): Promise<void> => {
    const chosen = select.value;
    select.value = held;
    await change(chosen);
  };
  if (setting.choices.length > 0) {
    return (
      <select id={id} value={held} onChange={(event) => void choose(event.currentTarget)}>
        {setting.choices.map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
    );
  }
  return (
    <input
      ref={field}
      id={id}
      inputMode={setting.low === null ? "text" : "numeric"}
      defaultValue={held}
      spellcheck={false}
      autocomplete="off"
      onKeyDown={(event) => {
        if (event.key === "Enter") void tell();
        if (event.key === "Escape") event.currentTarget.value = held;
      }}
      onBlur={() => void tell()}
    />
  );
}
