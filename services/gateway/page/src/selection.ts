// Which tasks of a job are selected: ranges of numbers, however many tasks there are. Pure.

/** Sorted, apart from each other, both ends included. */
export type Ranges = readonly (readonly [number, number])[];

export interface Selection {
  ranges: Ranges;
  /** Where an extension goes on from: the task that was last picked by itself. */
  anchor: number | null;
}

export const NOTHING: Selection = { ranges: [], anchor: null };

export function all(count: number): Selection {
  return { ranges: count > 0 ? [[0, count - 1]] : [], anchor: null };
}

export function has({ ranges }: Selection, task: number): boolean {
  return ranges.some(([first, last]) => first <= task && task <= last);
}

export function count({ ranges }: Selection): number {
  return ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

export function toggled(selection: Selection, task: number): Selection {
  const ranges = has(selection, task)
    ? without(selection.ranges, task)
    : merged([...selection.ranges, [task, task]]);
  return { ranges, anchor: task };
}

/** All from the anchor to a task as well. */
export function extended(selection: Selection, task: number): Selection {
  const anchor = selection.anchor ?? task;
  const range = [Math.min(anchor, task), Math.max(anchor, task)] as const;
  return { ranges: merged([...selection.ranges, range]), anchor };
}

/** As commands take it: `0-99,120`. */
export function text({ ranges }: Selection): string {
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join();
}

function without(ranges: Ranges, task: number): Ranges {
  return ranges.flatMap(([first, last]): [number, number][] => {
    if (task < first || task > last) return [[first, last]];
    const parts: [number, number][] = [
      [first, task - 1],
      [task + 1, last],
    ];
    return parts.filter(([from, to]) => from <= to);
  });
}

function merged(ranges: Ranges): Ranges {
  const sorted = [...ranges].sort(([one], [other]) => one - other);
  const apart: [number, number][] = [];
  for (const [first, last] of sorted) {
    const before = apart.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else apart.push([first, last]);
  }
  return apart;
}
