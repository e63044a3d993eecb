// A choice of queues that jobs can be moved to.

import { useCell } from "./cell.ts";
import { useDesk } from "./desk.ts";
import { shown } from "./names.ts";
import { move } from "./orders.ts";

interface ElsewhereProps {
  ids: readonly string[];
  /** The queue that they are all in already. */
  not?: string;
  onDone?: () => void;
}

export function Elsewhere({ ids, not = "", onDone }: ElsewhereProps) {
  const desk = useDesk();
  const queues = useCell(desk.board.queues).filter((one) => one.code !== not);
  queues.sort((a, b) => b.priority - a.priority);
  const choose = (select: HTMLSelectElement): void => {
    const queue = select.value;
    select.value = "";
    void move(desk, ids, { queue, to: "bottom" }).then(onDone);
  };
  return (
    <select aria-label="Move to queue" value="" onChange={(event) => choose(event.currentTarget)}>
      <option value="" disabled>
        Move to queue …
      </option>
      {queues.map((one) => (
        <option key={one.id} value={one.code}>
          {shown(one.code)} (priority {one.priority})
        </option>
      ))}
    </select>
  );
}
