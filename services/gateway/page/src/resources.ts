// What the API shows, in the API's own words.
// Made by `python -m tests.web.typescript` from services/gateway/resources.py: do not edit.

export type Status = "init" | "waiting" | "running" | "paused" | "failed" | "aborted" | "done";

export interface Holder {
  kind: string;
  id: string;
  name: string;
}

export interface Reason {
  code: string;
  text: string;
  holder: Holder | null;
  since: string | null;
  release: string;
}

export interface Estimate {
  start_at: string | null;
  start_earliest: string | null;
  start_latest: string | null;
  end_at: string | null;
  end_earliest: string | null;
  end_latest: string | null;
  runs: number;
  basis: string;
}

export interface Limited {
  bytes_per_second: number;
  text: string;
  by: Holder;
  until: string | null;
}

export interface Computing {
  command: string;
  range: string;
  filters: string[];
  environment: Record<string, string>;
  cwd: string;
  lanes: string[];
}

export interface Timing {
  listing_s: number;
  reading_s: number;
  network_s: number;
  limited_s: number;
  writing_s: number;
  verifying_s: number;
  bytes_saved: number;
  bottleneck: string | null;
  share: number | null;
  text: string | null;
}

export interface Job {
  id: string;
  name: string;
  kind: string;
  status: Status;
  reason: Reason | null;
  queue: string;
  position: number | null;
  progress: number;
  size: number;
  bytes_done: number;
  bytes_per_second: number;
  eta_s: number | null;
  tasks_total: number;
  tasks_done: number;
  tasks_failed: number;
  source: string | null;
  destination: string | null;
  user: string;
  error_class: string | null;
  error_message: string | null;
  tries: number;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  retry_at: string | null;
  sequence: number;
  place: string;
  version: number;
  failures: Record<string, number>;
  estimate: Estimate | null;
  tasks_onhold: number;
  tasks_excluded: number;
  limit: Limited | null;
  compute: Computing | null;
  depends_on: string[];
  archived: boolean;
  timing: Timing | null;
  route: string | null;
  relay: string | null;
  awaited: number;
  listed: boolean;
  removed: number;
  size_removed: number;
}

export interface JobPage {
  jobs: Job[];
  total: number;
  next: string | null;
  sequence: number;
}

export interface Task {
  number: number;
  uri: string;
  name: string;
  kind: string;
  size: number;
  status: string;
  tries: number;
  started_at: string | null;
  took_s: number | null;
  error_class: string | null;
  error_message: string | null;
  hash: string | null;
  percent: number | null;
  said: string | null;
}

export interface TaskPage {
  tasks: Task[];
  total: number;
  next: string | null;
}

export interface Attempt {
  attempt: number;
  outcome: string;
  cause: string | null;
  run: number;
  endpoint: string | null;
  started_at: string | null;
  took_s: number | null;
  bytes: number | null;
  bytes_per_second: number | null;
  error_class: string | null;
  error_message: string | null;
  exit_code: number | null;
  peak_memory_bytes: number | null;
  cpu_s: number | null;
  bytes_saved: number | null;
  reading_s: number | null;
  network_s: number | null;
  limited_s: number | null;
  writing_s: number | null;
  verifying_s: number | null;
}

export interface AttemptPage {
  attempts: Attempt[];
  next: string | null;
}

export interface LogLine {
  sequence: number;
  index: number;
  at: string;
  actor: string;
  cause: string;
  type: string;
  text: string;
  data: Record<string, unknown>;
  who: string;
  subject: string;
  about: string;
  because: string;
}

export interface LogPage {
  lines: LogLine[];
  next: string | null;
}

export interface OutputLine {
  number: number;
  at: string;
  text: string;
  dropped: number;
}

export interface TaskOutput {
  job: string;
  task: number;
  attempt: number | null;
  run: number | null;
  endpoint: string | null;
  outcome: string;
  over: boolean;
  lines: OutputLine[];
  after: number;
  more: boolean;
}

export interface Why {
  job: string;
  status: string;
  position: number | null;
  reasons: Reason[];
  sequence: number;
  estimate: Estimate | null;
}

export interface Span {
  sequence: number;
  since: string;
  until: string | null;
  seconds: number;
  status: string;
  reason: Reason | null;
}

export interface Cause {
  code: string;
  text: string;
  seconds: number;
}

export interface Wait {
  job: string;
  status: string;
  spans: Span[];
  causes: Cause[];
  sequence: number;
}

export interface Queue {
  id: string;
  code: string;
  priority: number;
  description: string;
  default: boolean;
  status: string;
  jobs_waiting: number;
  jobs_running: number;
  sequence: number;
  compute_default: boolean;
  metadata: Record<string, string>;
}

export interface Volume {
  code: string;
  online: boolean;
  full: boolean;
  free_bytes: number | null;
  total_bytes: number | null;
}

export interface Reach {
  endpoint: string;
  reached: boolean;
}

export interface Machine {
  hostname: string;
  user: string;
  cores: number;
  memory_bytes: number;
  platform: string;
  site: string;
  tags: string[];
}

export interface Disabling {
  by: string;
  at: string;
}

export interface Endpoint {
  id: string;
  name: string;
  kind: string;
  status: string;
  volumes: Volume[];
  jobs_running: number;
  sequence: number;
  listens: boolean;
  relays: number;
  reaches: Reach[];
  since: string | null;
  machine: Machine | null;
  lanes: number | null;
  lanes_taken: number;
  disabled: Disabling | null;
}

export interface Setting {
  name: string;
  value: boolean | number | number | string;
  source: string;
  default: boolean | number | number | string;
  meaning: string;
  choices: string[];
  low: number | null;
  high: number | null;
  unit: string;
  written: string;
  together: string;
}

export interface Done {
  sequence: number;
  jobs: string[];
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  field: string | null;
}

export interface Progress {
  id: string;
  bytes_done: number;
  bytes_per_second: number;
  eta_s: number | null;
  progress: number;
  tasks_done: number;
}

export interface Throughput {
  begins_at: string;
  ends_at: string;
  step_s: number;
  bytes: number[];
}

export interface EndpointThroughput {
  begins_at: string;
  ends_at: string;
  step_s: number;
  sent: number[];
  received: number[];
}

export interface PairFlow {
  source: string;
  destination: string;
  total: number;
  bytes: number[];
  running: number;
}

export interface Failure {
  error_class: string | null;
  jobs: number;
  job: string;
  name: string;
  message: string | null;
  at: string;
}

export interface Overview {
  begins_at: string;
  ends_at: string;
  step_s: number;
  now: Record<string, number>;
  done: number;
  aborted: number;
  failed: number;
  bytes: number[];
  pairs: PairFlow[];
  failures: Failure[];
}

export interface QueueDeleted {
  sequence: number;
  jobs: string[];
  to: string | null;
}

export interface Me {
  name: string;
  role: string;
}

export interface File {
  path: string;
  kind: string;
  size: number;
  mode: string;
  modified_at: string | null;
  target: string;
}

export interface FilePage {
  files: File[];
  unread: number;
  next: string | null;
}

export interface PreviewLine {
  line: "file";
  path: string;
  kind: string;
  size: number;
  what: string;
}

export interface Tally {
  count: number;
  size: number;
}

export interface PreviewTotal {
  line: "total";
  created: Tally;
  changed: Tally;
  compared: Tally;
  blocked: Tally;
  missing: Tally;
  same: Tally;
  kept: Tally;
  deleted: Tally;
  unread: number;
  refusal: string;
}

export interface PreviewFailed {
  line: "failed";
  detail: string;
}
