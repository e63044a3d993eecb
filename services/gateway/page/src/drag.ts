// Dragging jobs by mouse: rows are taken, rows and heads of queues take them. What a place means is
// slots.ts's; Escape and a drop elsewhere change nothing, as of every drag of a browser.

import { autoScrollForElements } from "@atlaskit/pragmatic-drag-and-drop-auto-scroll/element";
import { combine } from "@atlaskit/pragmatic-drag-and-drop/combine";
import {
  draggable,
  dropTargetForElements,
  monitorForElements,
} from "@atlaskit/pragmatic-drag-and-drop/element/adapter";
import * as pointer from "@atlaskit/pragmatic-drag-and-drop/element/pointer-outside-of-preview";
import * as image from "@atlaskit/pragmatic-drag-and-drop/element/set-custom-native-drag-preview";
import { useEffect } from "preact/hooks";

import { type Desk, useDesk } from "./desk.ts";
import { moving } from "./moving.ts";
import { inOrder, land, mayMove, nameOf, toSlot } from "./orders.ts";
import { above, type Slot } from "./slots.ts";

interface Ref {
  current: HTMLElement | null;
}

export function useDraggedRow(ref: Ref, id: string): void {
  const desk = useDesk();
  useEffect(() => {
    const element = ref.current;
    if (element === null) return undefined;
    return combine(
      draggable({
        element,
        canDrag: () => mayMove(desk),
        getInitialData: () => ({ ids: inOrder(desk, desk.picking.with(id)) }),
        onGenerateDragPreview: ({ nativeSetDragImage, source }) =>
          image.setCustomNativeDragPreview({
            nativeSetDragImage,
            getOffset: pointer.pointerOutsideOfPreview({ x: "12px", y: "8px" }),
            render: ({ container }) => {
              const chip = Object.assign(document.createElement("div"), { className: "carried" });
              chip.textContent = nameOf(desk, source.data["ids"] as string[]);
              container.append(chip);
            },
          }),
      }),
      dropTargetForElements({
        element,
        getData: ({ input }) => ({ slot: slotAt(desk, element, id, input.clientY) }),
      }),
    );
  }, [id]);
}

export function useHeadAsTarget(ref: Ref, key: string): void {
  useEffect(() => {
    const element = ref.current;
    if (element === null) return undefined;
    return dropTargetForElements({ element, getData: () => ({ slot: { key, isInto: true } }) });
  }, [key]);
}

/** The upper half of a row is the slot above it. */
function slotAt(desk: Desk, row: HTMLElement, id: string, y_px: number): Slot | null {
  const { top, height } = row.getBoundingClientRect();
  return y_px < top + height / 2 ? above(desk.listing.items, id) : { key: id, isInto: false };
}

function slotUnder([target]: readonly { data: Record<string | symbol, unknown> }[]): Slot | null {
  return (target?.data["slot"] as Slot | null | undefined) ?? null;
}

export function useDragging(scroller: Ref): void {
  const desk = useDesk();
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    return combine(
      autoScrollForElements({ element }),
      monitorForElements({
        onDragStart: ({ source }) =>
          moving.set({
            ids: new Set(source.data["ids"] as string[]),
            isByKey: false,
            slot: null,
            landing: null,
          }),
        onDrag: ({ location }) => toSlot(desk, slotUnder(location.current.dropTargets)),
        onDrop: ({ location }) => {
          // Who lets go at once does so before the last move was told.
          toSlot(desk, slotUnder(location.current.dropTargets));
          void land(desk);
        },
      }),
    );
  }, []);
}
