// What lies on the volumes of an endpoint: to walk through, and to take from or put to.

import { useEffect, useState } from "preact/hooks";

import { ApiError, get } from "./api.ts";
import { useCell } from "./cell.ts";
import { useDesk } from "./desk.ts";
import * as format from "./format.ts";
import { Icon } from "./icons.tsx";
import { words } from "./lists.ts";
import { shown } from "./names.ts";
import type { File, FilePage } from "./resources.ts";

const PAGE = 500;
const FORBIDDEN = 403;

export interface Spot {
  endpoint: string;
  volume: string;
  /** Folders from the volume down. */
  folders: readonly string[];
}

/** The folder, as `endpoint:volume/path/`. */
export function placeOf({ endpoint, volume, folders }: Spot): string {
  return `${endpoint}:${volume}/${folders.map((one) => `${one}/`).join("")}`;
}

interface Props {
  label: string;
  /** Where a file or a folder can be taken: what to do with its name in the present folder. */
  onTake?: (spot: Spot, file: File) => void;
  /** Told whenever another folder is looked into. */
  onGo?: (spot: Spot) => void;
}

export function Browser({ label, onTake, onGo }: Props) {
  const endpoints = [...useCell(useDesk().board.endpoints)];
  endpoints.sort((a, b) => (a.name < b.name ? -1 : 1));
  const [spot, setSpot] = useState<Spot | null>(null);
  const go = (there: Spot): void => {
    setSpot(there);
    onGo?.(there);
  };
  const places = endpoints.flatMap((one) =>
    one.volumes.map((volume) => ({
      place: { endpoint: one.name, volume: volume.code, folders: [] },
      isThere: one.status === "online" && volume.online,
    })),
  );
  return (
    <div class="browser" role="group" aria-label={label}>
      <select
        aria-label={`${label}: volume`}
        value={spot === null ? "" : placeOf({ ...spot, folders: [] })}
        onChange={(event) => {
          const chosen = event.currentTarget.value;
          const found = places.find((one) => placeOf(one.place) === chosen);
          if (found) go(found.place);
        }}
      >
        <option value="" disabled>
          Look through a volume …
        </option>
        {places.map(({ place, isThere }) => (
          <option key={placeOf(place)} value={placeOf(place)} disabled={!isThere}>
            {`${shown(place.endpoint)}: ${shown(place.volume)}${isThere ? "" : " (offline)"}`}
          </option>
        ))}
      </select>
      {spot !== null && (
        <>
          <Crumbs spot={spot} onGo={go} />
          <Folder key={placeOf(spot)} spot={spot} onGo={go} {...(onTake && { onTake })} />
        </>
      )}
    </div>
  );
}

function Crumbs({ spot, onGo }: { spot: Spot; onGo: (spot: Spot) => void }) {
  const up = (depth: number): Spot => ({ ...spot, folders: spot.folders.slice(0, depth) });
  return (
    <nav class="crumbs" aria-label="Folders above">
      <button type="button" class="quiet" onClick={() => onGo(up(0))}>
        {shown(spot.volume)}
      </button>
      {spot.folders.map((one, depth) => (
        <button key={depth} type="button" class="quiet" onClick={() => onGo(up(depth + 1))}>
          / {shown(one)}
        </button>
      ))}
    </nav>
  );
}

interface FolderProps {
  spot: Spot;
  onGo: (spot: Spot) => void;
  onTake?: (spot: Spot, file: File) => void;
}

interface Read {
  files: File[];
  next: string | null;
  error: unknown;
  isReading: boolean;
}

function Folder({ spot, onGo, onTake }: FolderProps) {
  const [read, setRead] = useState<Read>({ files: [], next: null, error: null, isReading: true });
  const more = async (cursor: string | null, signal?: AbortSignal): Promise<void> => {
    const query = new URLSearchParams({ where: placeOf(spot), limit: String(PAGE) });
    if (cursor !== null) query.set("cursor", cursor);
    setRead((before) => ({ ...before, error: null, isReading: true }));
    try {
      const { files, next } = await get<FilePage>(`/api/files?${query}`, signal);
      setRead((before) => {
        const all = cursor === null ? files : [...before.files, ...files];
        return { files: all, next, error: null, isReading: false };
      });
    } catch (error) {
      if (!signal?.aborted) setRead((before) => ({ ...before, error, isReading: false }));
    }
  };
  useEffect(() => {
    const leaving = new AbortController();
    void more(null, leaving.signal);
    return () => leaving.abort();
  }, []);
  const rows = onTake ? read.files : read.files.filter((one) => one.kind === "folder");
  const into = (name: string): void => onGo({ ...spot, folders: [...spot.folders, name] });
  return (
    <div class="folder">
      <ul>
        {rows.map((file) => (
          <Entry key={file.path} file={file} onInto={into} onTake={onTake?.bind(null, spot)} />
        ))}
      </ul>
      {read.isReading && <p class="aside">Reading the folder …</p>}
      {!read.isReading && read.error === null && rows.length === 0 && (
        <p class="aside">{read.files.length > 0 ? "No folders in here." : "Nothing in here."}</p>
      )}
      {read.error !== null && <Unread error={read.error} onAgain={() => void more(null)} />}
      {!read.isReading && read.next !== null && (
        <button type="button" onClick={() => void more(read.next)}>
          More …
        </button>
      )}
    </div>
  );
}

interface EntryProps {
  file: File;
  onInto: (name: string) => void;
  onTake: ((file: File) => void) | undefined;
}

function Entry({ file, onInto, onTake }: EntryProps) {
  const name = shown(file.path);
  const isFolder = file.kind === "folder";
  return (
    <li>
      <Icon name={isFolder ? "folder" : "file"} />
      {isFolder ? (
        <button type="button" class="quiet name" onClick={() => onInto(file.path)}>
          {name}
        </button>
      ) : (
        <span class="name">{name}</span>
      )}
      <span class="aside">{isFolder ? "" : format.size(file.size)}</span>
      {onTake && (
        <button type="button" onClick={() => onTake(file)}>
          Add<span class="unseen"> {name}</span>
        </button>
      )}
    </li>
  );
}

function Unread({ error, onAgain }: { error: unknown; onAgain: () => void }) {
  if (error instanceof ApiError && error.status === FORBIDDEN) {
    return (
      <p class="aside">
        {shown(error.message)}. You can still write the path yourself, as endpoint:volume/path.
      </p>
    );
  }
  return (
    <p role="alert">
      {shown(words(error))}{" "}
      <button type="button" onClick={onAgain}>
        Try again
      </button>
    </p>
  );
}
