// From where and to where: written, or picked among what lies there.

import { useState } from "preact/hooks";

import { Browser, placeOf, type Spot } from "./browser.tsx";
import { literal } from "./draft.ts";
import { Field, PLAIN } from "./field.tsx";
import { Icon } from "./icons.tsx";
import { shown } from "./names.ts";
import type { File } from "./resources.ts";
import type { FieldsProps } from "./submit.tsx";

const ARRIVES =
  "Of one folder the content arrives at the destination; of several sources each under its name.";

export function TransferFields({ draft, change, fault }: FieldsProps) {
  return (
    <div class="ends">
      <Sources sources={draft.sources} isAtFault={fault === "source"} change={change} />
      <fieldset>
        <legend>To</legend>
        <Field label="Destination" hint="A folder that is not there is made.">
          {(tied) => (
            <input
              {...tied}
              {...PLAIN}
              name="destination"
              value={draft.destination}
              required
              placeholder="stockholm:incoming/shot010/"
              aria-invalid={fault === "destination"}
              onInput={(event) => change({ destination: event.currentTarget.value })}
            />
          )}
        </Field>
        <Browser label="Where to" onGo={(spot) => change({ destination: placeOf(spot) })} />
      </fieldset>
    </div>
  );
}

interface SourcesProps {
  sources: readonly string[];
  isAtFault: boolean;
  change: FieldsProps["change"];
}

function Sources({ sources, isAtFault, change }: SourcesProps) {
  const [typed, setTyped] = useState("");
  const add = (one: string): void => {
    if (one.trim() === "") return;
    change({ sources: [...new Set([...sources, one.trim()])] });
    setTyped("");
  };
  const take = (spot: Spot, file: File): void =>
    add(placeOf(spot) + literal(file.path) + (file.kind === "folder" ? "/" : ""));
  return (
    <fieldset>
      <legend>From</legend>
      <Field label={sources.length > 0 ? "Another source" : "Source"} hint={ARRIVES}>
        {(tied) => (
          <input
            {...tied}
            {...PLAIN}
            name="source"
            value={typed}
            required={sources.length === 0}
            placeholder="hq:projects/shot010/"
            aria-invalid={isAtFault}
            onInput={(event) => setTyped(event.currentTarget.value)}
            onBlur={() => add(typed)}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || typed.trim() === "") return;
              event.preventDefault();
              add(typed);
            }}
          />
        )}
      </Field>
      {sources.length > 0 && (
        <ul class="taken" aria-label="Sources">
          {sources.map((one) => (
            <li key={one}>
              <bdi>{shown(one)}</bdi>
              <button
                type="button"
                class="quiet"
                aria-label={`Remove ${shown(one)}`}
                onClick={() => change({ sources: sources.filter((other) => other !== one) })}
              >
                <Icon name="abort" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <Browser label="Where from" onTake={take} />
    </fieldset>
  );
}
