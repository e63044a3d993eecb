// Who may do what, as the scheduler will decide it: to say so before somebody tries. Pure.

import type { Me } from "./resources.ts";

/** Null: they may; else why they may not. */
export type Hindrance = string | null;

export function administers(me: Me | null): Hindrance {
  if (me === null || me.role === "admin") return null;
  return "This is for an admin: ask one to do it.";
}

export function manages(me: Me | null): Hindrance {
  if (me === null || me.role !== "user") return null;
  return "This is for an admin or an employee: ask one to do it.";
}
