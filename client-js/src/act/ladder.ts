/** The order of actions and severities, and how a newer notice follows an older one. */

import type { Action, Notice, Severity } from "../core/wire.js";

const ACTIONS: string[] = ["silent", "navigate", "prompt", "countdown", "force"] satisfies Action[];
const SEVERITIES: string[] = ["silent", "normal", "important", "security"] satisfies Severity[];

export const known = (action: string): action is Action => ACTIONS.includes(action);

/**
 * The action to take for a notice. How strong an unknown action is can't be known, but a campaign's steps only grow
 * stronger: what the campaign asked before is the nearest milder one, and `navigate` is if it asked nothing before.
 */
export function actionFor({ action, notice }: Notice, before?: { notice: number; action: Action }): Action {
  if (known(action)) return action;
  return before?.notice == notice ? before.action : "navigate";
}

export interface Rank {
  action: number;
  severity: number;
}

export const rank = (action: Action, { severity = "normal" }: Notice): Rank => ({
  action: ACTIONS.indexOf(action),
  severity: SEVERITIES.indexOf(severity),
});

/** Whether a notice breaks through a snooze that was given at another rank. */
export const pierces = (now: Rank, snoozed: Rank) =>
  now.action > snoozed.action || now.severity > snoozed.severity;

const release = (version: string) => version.split(/[-+]/)[0]!;

/** Whether one version is newer than another, whatever comes after their three numbers. */
export const newer = (version?: string, than?: string | null) =>
  !!version && !!than && release(version).localeCompare(release(than), "en", { numeric: true }) > 0;
