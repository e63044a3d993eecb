// A link within the page: followed here, but opened beside it by those who ask their browser to.

import type { ComponentChildren } from "preact";

import { useDesk } from "./desk.ts";

interface Props {
  to: string;
  children: ComponentChildren;
  class?: string;
  current?: boolean;
  title?: string;
}

export function Link({ to, children, current = false, ...others }: Props) {
  const desk = useDesk();
  const follow = (event: MouseEvent): void => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    desk.visit(to);
  };
  return (
    <a href={to} aria-current={current ? "page" : undefined} onClick={follow} {...others}>
      {children}
    </a>
  );
}
