// Tabs as the ARIA practices have them: one stop of the Tab key, arrows, Home and End choose.
// https://www.w3.org/WAI/ARIA/apg/patterns/tabs/

import { useRef } from "preact/hooks";

interface TabsProps<Key extends string> {
  /** Makes the ids of tabs and panel unique in the page. */
  of: string;
  label: string;
  tabs: readonly { key: Key; word: string }[];
  chosen: Key;
  onChoose: (key: Key) => void;
}

export function Tabs<Key extends string>({ of, label, tabs, chosen, onChoose }: TabsProps<Key>) {
  const list = useRef<HTMLDivElement>(null);
  const at = tabs.findIndex((one) => one.key === chosen);
  const move = (event: KeyboardEvent): void => {
    const next = goal(event.key, at, tabs.length);
    const key = next === null ? undefined : tabs[next]?.key;
    if (key === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    onChoose(key);
    list.current?.querySelectorAll<HTMLElement>("[role=tab]")[next ?? 0]?.focus();
  };
  return (
    <div ref={list} class="choices" role="tablist" aria-label={label} onKeyDown={move}>
      {tabs.map(({ key, word }) => (
        <button
          key={key}
          id={`tab-${of}-${key}`}
          type="button"
          role="tab"
          aria-selected={key === chosen}
          aria-controls={key === chosen ? `panel-${of}` : undefined}
          tabIndex={key === chosen ? 0 : -1}
          onClick={() => onChoose(key)}
        >
          {word}
        </button>
      ))}
    </div>
  );
}

function goal(key: string, at: number, count: number): number | null {
  if (key === "ArrowRight") return (at + 1) % count;
  if (key === "ArrowLeft") return (at + count - 1) % count;
  if (key === "Home") return 0;
  return key === "End" ? count - 1 : null;
}

interface PanelProps {
  of: string;
  chosen: string;
  children: preact.ComponentChildren;
}

export function TabPanel({ of, chosen, children }: PanelProps) {
  return (
    <div class="panel" id={`panel-${of}`} role="tabpanel" aria-labelledby={`tab-${of}-${chosen}`}>
      {children}
    </div>
  );
}
