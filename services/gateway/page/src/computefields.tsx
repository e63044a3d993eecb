// What a compute job runs: a command, for which frames, where.

import { Field, PLAIN } from "./field.tsx";
import type { FieldsProps } from "./submit.tsx";

interface TextProps extends FieldsProps {
  name: "command" | "range" | "filters" | "cwd";
  label: string;
  hint: string;
  example: string;
  isRequired?: boolean;
}

export function ComputeFields(props: FieldsProps) {
  return (
    <>
      <Text
        {...props}
        name="command"
        label="Command"
        hint="Names its frames as {frame}, {first}, {last} or {frames}. No shell is around it."
        example="render scene.blend --frame {frame}"
        isRequired
      />
      <div class="beside">
        <Text
          {...props}
          name="range"
          label="Frames"
          hint="Left empty it runs once."
          example="1001-1100,1200-1300x5"
        />
        <Text
          {...props}
          name="filters"
          label="Only on"
          hint="Filters, with commas between them."
          example="ram:>32g, site:a+b|-c"
        />
        <Text
          {...props}
          name="cwd"
          label="In the folder"
          hint="Left empty it gets a temporary one."
          example="projects/shot010"
        />
      </div>
      <Field label="Environment" hint="NAME=VALUE, one a line. It is stored for ever: no secrets.">
        {(tied) => (
          <textarea
            {...tied}
            rows={2}
            value={props.draft.environment}
            placeholder="SHOW=atlas"
            aria-invalid={props.fault === "environment"}
            spellcheck={false}
            onInput={(event) => props.change({ environment: event.currentTarget.value })}
          />
        )}
      </Field>
    </>
  );
}

function Text({ draft, change, fault, name, label, hint, example, isRequired }: TextProps) {
  return (
    <Field label={label} hint={hint}>
      {(tied) => (
        <input
          {...tied}
          {...PLAIN}
          name={name}
          value={draft[name]}
          required={isRequired}
          placeholder={example}
          aria-invalid={fault === name}
          onInput={(event) => change({ [name]: event.currentTarget.value })}
        />
      )}
    </Field>
  );
}
