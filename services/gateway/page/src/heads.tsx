// The line above the rows: what stands in which column, and what sorts by it.

import { useCell } from "./cell.ts";
import type { Column } from "./columns.ts";
import { useDesk } from "./desk.ts";
import { type Sort, type SortKey } from "./route.ts";

/** Those that people want to see the largest of first. */
const DOWN_FIRST: readonly SortKey[] = ["progress", "speed", "size", "tasks", "retries", "created"];

export function Heads({ columns, grid }: { columns: readonly Column[]; grid: string }) {
  return (
    <div class="heads" style={{ "--grid": grid }}>
      <span />
      <span />
      <span />
      <Head word="Name" sort="name" />
      {columns.map(({ key, word, sort, isNumber }) => (
        <Head key={key} word={word} sort={sort} isNumber={isNumber === true} />
      ))}
      <span />
    </div>
  );
}

interface HeadProps {
  word: string;
  sort: SortKey | null;
  isNumber?: boolean;
}

/** Once sorts, twice the other way, a third time puts all back in its place. */
function Head({ word, sort, isNumber = false }: HeadProps) {
  const desk = useDesk();
  const { sort: held } = useCell(desk.route);
  const place = isNumber ? "number" : undefined;
  if (sort === null) return <span class={place}>{word}</span>;
  const isHere = held?.key === sort;
  const way = !isHere ? "" : held.isDown ? ", largest first" : ", smallest first";
  return (
    <span class={place}>
      <button
        type="button"
        class="quiet"
        aria-pressed={isHere}
        aria-label={`Sort by ${word}${way}`}
        onClick={() => desk.go({ sort: next(held, sort) })}
      >
        {word}
        {isHere && <span aria-hidden="true"> {held.isDown ? "↓" : "↑"}</span>}
      </button>
    </span>
  );
}

function next(held: Sort | null, key: SortKey): Sort | null {
  const first = DOWN_FIRST.includes(key);
  if (held?.key !== key) return { key, isDown: first };
  return held.isDown === first ? { key, isDown: !first } : null;
}
