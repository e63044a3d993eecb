// What every new job has: a name, a queue, others that it waits for, settings of its own.

import { useCell } from "./cell.ts";
import { useDesk } from "./desk.ts";
import { OPTIONS } from "./draft.ts";
import { Field, PLAIN } from "./field.tsx";
import { shown } from "./names.ts";
import type { Setting } from "./resources.ts";
import type { FieldsProps } from "./submit.tsx";
import { inOrder } from "./view.ts";

interface Props extends FieldsProps {
  known: readonly Setting[];
}

export function CommonFields({ draft, change, fault, known }: Props) {
  const queues = inOrder(useCell(useDesk().board.queues));
  const isDefault = draft.kind === "compute" && queues.some((one) => one.compute_default);
  const standard = queues.find((one) => (isDefault ? one.compute_default : one.default));
  return (
    <>
      <div class="beside">
        <Field label="Name">
          {(tied) => (
            <input
              {...tied}
              name="name"
              value={draft.name}
              maxLength={255}
              placeholder="after its source or command"
              aria-invalid={fault === "name"}
              onInput={(event) => change({ name: event.currentTarget.value })}
            />
          )}
        </Field>
        <Field label="Queue">
          {(tied) => (
            <select
              {...tied}
              name="queue"
              value={draft.queue}
              onChange={(event) => change({ queue: event.currentTarget.value })}
            >
              <option value="">{standard ? `${shown(standard.code)} (default)` : "default"}</option>
              {queues.map((one) => (
                <option key={one.id} value={one.code}>
                  {`${shown(one.code)}, priority ${one.priority}`}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label="After the jobs">
          {(tied) => (
            <input
              {...tied}
              {...PLAIN}
              name="depends_on"
              value={draft.after}
              placeholder="their ids"
              aria-invalid={fault === "depends_on"}
              onInput={(event) => change({ after: event.currentTarget.value })}
            />
          )}
        </Field>
      </div>
      <Options draft={draft} change={change} fault={fault} known={known} />
      <label class="check">
        <input
          type="checkbox"
          checked={draft.paused}
          onChange={(event) => change({ paused: event.currentTarget.checked })}
        />
        <span>Paused: it waits until somebody resumes it</span>
      </label>
    </>
  );
}

function Options({ draft, change, fault, known }: Props) {
  const usual = OPTIONS[draft.kind];
  const others = Object.keys(draft.settings).filter((name) => !usual.includes(name));
  const asked = [...usual, ...others].flatMap(
    (name) => known.find((one) => one.name === name) ?? (draft.settings[name] ? { name } : []),
  );
  if (asked.length === 0) return null;
  const set = (name: string, typed: string): void =>
    change({ settings: { ...draft.settings, [name]: typed } });
  return (
    <details class="options" open={Object.values(draft.settings).some(Boolean)}>
      <summary>Settings of its own</summary>
      <div>
        {asked.map((one) => (
          <Option
            key={one.name}
            setting={one}
            typed={draft.settings[one.name] ?? ""}
            isAtFault={fault === one.name}
            onType={(typed) => set(one.name, typed)}
          />
        ))}
      </div>
    </details>
  );
}

interface OptionProps {
  setting: Partial<Setting> & { name: string };
  typed: string;
  isAtFault: boolean;
  onType: (typed: string) => void;
}

/** Left empty, what its queue or the workspace has holds. */
function Option({ setting, typed, isAtFault, onType }: OptionProps) {
  const { name, choices = [], meaning = "", value = "" } = setting;
  const held = value === "" ? "none" : String(value);
  return (
    <Field label={name} hint={meaning}>
      {(tied) =>
        choices.length > 0 ? (
          <select {...tied} value={typed} onChange={(event) => onType(event.currentTarget.value)}>
            <option value="">{`as elsewhere (${held})`}</option>
            {choices.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        ) : (
          <input
            {...tied}
            {...PLAIN}
            value={typed}
            placeholder={`as elsewhere (${held})`}
            aria-invalid={isAtFault}
            onInput={(event) => onType(event.currentTarget.value)}
          />
        )
      }
    </Field>
  );
}
