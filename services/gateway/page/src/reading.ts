// Something the server is asked for as long as somebody looks at it, and what became of the asking.

import { useEffect, useState } from "preact/hooks";

import { useAgain } from "./again.ts";
import { ApiError, get } from "./api.ts";
import { words } from "./lists.ts";

const REST_MS = 3_000;
const FORBIDDEN = 403;

export interface Read<T> {
  /** What was read last stays while there is no answer. */
  told: T | null;
  /** Why nothing newer is there. */
  error: string | null;
  isForbidden: boolean;
}

/** Read now, when one of `changes` is another, and every so often. */
export function useReading<T>(
  path: string,
  every_ms: number,
  changes: readonly unknown[] = [],
): Read<T> {
  const [found, setFound] = useState<Read<T> & { path: string }>(nothing(path));
  const [tick, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || setTick((one) => one + 1), every_ms);
    return () => clearInterval(timer);
  }, [every_ms]);
  const read = async (signal: AbortSignal): Promise<void> => {
    try {
      const told = await get<T>(path, signal);
      if (!signal.aborted) setFound({ path, told, error: null, isForbidden: false });
    } catch (error) {
      if (signal.aborted) return;
      const isForbidden = error instanceof ApiError && error.status === FORBIDDEN;
      setFound((before) => ({ ...before, path, error: words(error), isForbidden }));
    }
  };
  useAgain(read, REST_MS, [path, tick, ...changes]);
  return found.path === path ? found : nothing(path);
}

function nothing(path: string) {
  return { path, told: null, error: null, isForbidden: false };
}
