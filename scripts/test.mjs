// All of the tests, in stages side by side, and one line a stage at the end: `make test`, or `make test-all` with --all.
//
// Each stage is a target of the Makefile and runs by itself, too. One that fails stops only those that stand on it. What
// a stage leaves running is ended and named; Ctrl-C and SIGTERM end all that was started.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { reportOf } from "./junit.mjs";

const started = Date.now();
const root = fileURLToPath(new URL("..", import.meta.url));
const all = process.argv.includes("--all");
const target = resolve(root, process.env.CARGO_TARGET_DIR || "target");
const reports = join(target, "test-reports");
/** Everything temporary goes in here, and with it. A short name: sockets have paths of at most 108 bytes. */
const temporary = mkdtempSync(join(tmpdir(), "fw-"));
/** All that a stage starts has its mark in the environment, after those of runs around this one: so it is found again. */
const MARKS = "FRESHWIRE_TEST_RUN";
const markOf = ({ name }) => `,${process.pid}-${started}-${name}.`;

/** Longer than any stage takes on a machine that is busy with something else. A browser that hangs must not hang a day. */
const LIMIT_MIN = 30;
/** Servers drain and browsers write their profiles when they are asked to stop; then they are made to. */
const STOPS_WITHIN_MS = 10_000;
/** The last lines of a stage are on their way when it has ended. */
const LAST_WORDS_MS = 1_000;
/** A disk with less than this has made something fail. */
const FULL_MB = 50;

/**
 * The stages in their lanes: those of one lane run one after the other. On two cores the Rust tests, which mostly wait,
 * leave room for the browsers, which mostly don't; Clippy, which takes what it gets, comes last.
 */
const prepare = [stage("packages", "packages"), stage("build", "test-build")];
const lanes = [
  [stage("format", "check-format")],
  [stage("rust", "test-rust", "rust.xml"), stage("clippy", "check-clippy")],
  [stage("client", "test-client", "client.xml"), stage("browsers", "test-behaviours", "behaviours.xml")],
  [stage("demo", "test-demo")],
];
/** They measure, so nothing runs beside them. */
const measuring = all ? [stage("bench", "bench")] : [];

function stage(name, makes, report) {
  return { name, makes, report: report && join(reports, report), state: "not run", said: [] };
}

const stages = [...prepare, ...lanes.flat(), ...measuring];
const width = Math.max(...stages.map(({ name }) => name.length));
const indent = " ".repeat(width + 2);
const running = new Set();
let interrupted;

/** Runs a stage to its end. Its output comes with its name before each line. */
async function run(one) {
  if (interrupted) return false;
  const since = Date.now();
  // Its make is no part of the one that may have started this run.
  const { MAKEFLAGS, MFLAGS, MAKELEVEL, ...environment } = process.env;
  const child = spawn("make", ["--no-print-directory", one.makes], {
    cwd: root,
    // A process group of its own: a Ctrl-C is ours to pass on.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...environment,
      [MARKS]: (environment[MARKS] ?? "") + markOf(one),
      TMPDIR: temporary,
      TEST_REPORTS: reports,
      // It was seen to before anything was started.
      FRESHWIRE_TOOLS: "checked",
      ...(all && { ALL_ENGINES: "1" }),
    },
  });
  running.add(one);
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on("line", (line) => {
      one.said.push(line);
      if (one.said.length > 200) one.said.shift();
      process.stdout.write(`${one.name.padEnd(width)} | ${line}\n`);
    });
  }
  const limit = setTimeout(() => {
    one.why = `it was ended after ${LIMIT_MIN} minutes`;
    end(one);
  }, LIMIT_MIN * 60_000);
  const closed = new Promise((done) => child.once("close", done));
  const code = await new Promise((done) => {
    child.once("error", (error) => done(String(error)));
    child.once("exit", (code, signal) => done(code ?? signal));
  });
  // What it leaves running may hold its output open.
  await Promise.race([closed, pause(LAST_WORDS_MS, undefined, { ref: false })]);
  clearTimeout(limit);
  running.delete(one);
  // What was told to end may need a moment for it.
  let left = programsOf(one);
  for (const until = Date.now() + STOPS_WITHIN_MS; left.length && Date.now() < until; left = programsOf(one))
    await pause(200);
  signal(left, "SIGKILL");
  one.left = left.map(({ line }) => line);
  one.ms = Date.now() - since;
  one.state = code === 0 && !left.length ? "passed" : "FAILED";
  if (interrupted) one.why = `interrupted by ${interrupted}`;
  else if (code !== 0) one.why ??= `make ${one.makes} ended with ${code}`;
  else one.why = "it left something running";
  return one.state == "passed";
}

/** What a stage has started and what runs, whoever its parent is by now. */
function programsOf(one) {
  const mark = markOf(one);
  return readdirSync("/proc").flatMap((pid) => {
    try {
      if (!/^\d+$/.test(pid) || !readFileSync(`/proc/${pid}/environ`, "latin1").includes(mark)) return [];
      const line = readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ").trim().slice(0, 100);
      return line ? { pid: Number(pid), line } : [];
    } catch {
      // Somebody else's, or gone meanwhile.
      return [];
    }
  });
}

function signal(programs, name) {
  for (const { pid } of programs) {
    try {
      process.kill(pid, name);
    } catch {
      // It is gone.
    }
  }
}

function end(one) {
  signal(programsOf(one), "SIGTERM");
  setTimeout(() => signal(programsOf(one), "SIGKILL"), STOPS_WITHIN_MS).unref();
}

function interrupt(why) {
  interrupted ??= why;
  running.forEach(end);
}

// Nobody reads on: `make test | head`.
process.stdout.on("error", () => interrupt("the end of its reader"));
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(name, () => interrupt(name));
}

const clock = (ms) =>
  ms == undefined ? "" : `${Math.floor(ms / 60_000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, "0")}`;

const row = (name, ms, passed, failed, skipped, state) =>
  [
    name.padEnd(width),
    clock(ms).padStart(6),
    String(passed).padStart(6),
    String(failed).padStart(6),
    String(skipped).padStart(7),
    state,
  ]
    .join("  ")
    .trimEnd();

/** One line a stage: how long it took, how many tests passed, failed, were skipped; and why. */
function summary(ms) {
  const lines = ["", `${"stage".padEnd(width)}    time  passed  failed  skipped`];
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const one of stages) {
    const report = one.report && one.state != "not run" ? reportOf(one.report) : undefined;
    const { passed = "", failed = "", skipped = [], failures = [] } = report ?? {};
    sum.passed += passed || 0;
    sum.failed += failed || 0;
    sum.skipped += skipped.length;
    const state = one.state == "passed" ? "ok" : one.why ? `${one.state}: ${one.why}` : one.state;
    lines.push(row(one.name, one.ms, passed, failed, report ? skipped.length : "", state));
    for (const why of new Set(skipped)) {
      const times = skipped.filter((other) => other == why).length;
      lines.push(`${indent}skipped ${times} × ${why}`);
    }
    for (const line of one.left ?? []) lines.push(`${indent}left running, and ended now: ${line}`);
    if (one.state != "FAILED") continue;
    for (const { name, message } of failures) lines.push(`${indent}failed: ${name}: ${message}`);
    if (!failures.length) lines.push(...one.said.slice(-15).map((line) => `${indent}| ${line}`));
  }
  lines.push(row("total", ms, sum.passed, sum.failed, sum.skipped, ""));
  return lines;
}

/** Folders without room, where something failed. */
const full = () =>
  [target, tmpdir()].flatMap((folder) => {
    const { bavail, bsize } = statfsSync(folder);
    const mb = (bavail * bsize) / 2 ** 20;
    return mb < FULL_MB ? `the disk is full: ${folder} has ${Math.round(mb)} MB left` : [];
  });

/** A summary is owed whatever else fails. */
function attempt(what) {
  try {
    return what() ?? [];
  } catch (error) {
    return [String(error)];
  }
}

rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });

let standing = true;
for (const one of prepare) standing &&= await run(one);
if (standing) {
  await Promise.all(
    lanes.map(async (lane) => {
      for (const one of lane) await run(one);
    }),
  );
  for (const one of measuring) await run(one);
}

const good = stages.every(({ state }) => state == "passed");
const notes = good ? [] : attempt(full);
notes.push(...attempt(() => rmSync(temporary, { recursive: true, force: true, maxRetries: 10 })));
console.log([...summary(Date.now() - started), ...notes, good ? "all passed" : "NOT ALL PASSED"].join("\n"));
process.exitCode = good ? 0 : 1;
