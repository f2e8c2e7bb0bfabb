// Shows an error to the person who met it: what happened, what to do, and what the page can do for them.
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { anyUnpack, durationMs, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  Actor,
  Code,
  DegradedKind,
  Outcome,
  Verdict,
  type DegradedReport,
  type ErrorReport,
  type RecoveryAction,
} from "@recourse-dev/recourse";
import { BadRequestSchema, HelpSchema, LocalizedMessageSchema } from "@recourse-dev/recourse/gen/google/rpc/error_details_pb.js";
import { Reauthenticate_Kind } from "@recourse-dev/recourse/gen/recourse/v1/recovery_action_pb.js";
import { againButton } from "./again.js";
import { button, element, say } from "./dom.js";
import { fieldNamed, mark } from "./fields.js";

/** What the page can do about an error. */
export interface Remedies {
  /** What sends the request again, or asks for what is missing. */
  readonly againLabel: string | undefined;
  again(): void;
  signIn(thenAgain: boolean): void;
}

/** failureCard shows an error. It marks the fields of the form that are wrong. */
export function failureCard(report: ErrorReport, remedies: Remedies): HTMLElement {
  const localized = detail(report, LocalizedMessageSchema);
  const title = element("h2", "", (localized && plain(localized.message)) || report.message || "That did not work.");
  title.id = "failure-title";
  const suggestion = element("p", "suggestion", report.suggestion);
  suggestion.id = "failure-suggestion";
  if (localized) title.lang = suggestion.lang = localized.locale;

  const card = element("section", "card failure", title, suggestion);
  card.tabIndex = -1;
  card.setAttribute("aria-labelledby", title.id);
  card.setAttribute("aria-describedby", suggestion.id);
  const outcome = outcomes.get(report.outcome);
  if (outcome !== undefined) card.append(element("p", "", outcome));
  card.append(...violations(report), ...offers(report.actions, report, remedies));
  const quoted = [...card.querySelectorAll("code")].some((code) => code.textContent === report.requestId);
  if (report.requestId !== "" && !quoted) card.append(quotable("Request id", report.requestId));
  card.append(forDevelopers(report));
  return card;
}

/** degradedCard says that an answer is not the real one. */
export function degradedCard(mark: DegradedReport, remedies: Remedies): HTMLElement {
  const card = element("section", "card degraded", element("h2", "", kinds.get(mark.kind) ?? "This answer is not the usual one."));
  if (mark.ageMs !== undefined) card.append(element("p", "", `It is ${age(mark.ageMs)} old.`));
  if (mark.suggestion !== "") card.append(element("p", "suggestion", mark.suggestion));
  card.append(...offers(mark.actions, undefined, remedies));
  return card;
}

const outcomes = new Map([
  [Outcome.NOT_APPLIED, "Nothing was changed."],
  [Outcome.APPLIED, "What you asked for was done all the same."],
  [Outcome.PARTIALLY_APPLIED, "A part of what you asked for was done."],
  [Outcome.INDETERMINATE, "What you asked for may have been done, or not."],
]);

const kinds = new Map([
  [DegradedKind.STALE, "This is an earlier answer."],
  [DegradedKind.DEFAULT, "This is a general answer, not one to your question."],
  [DegradedKind.PARTIAL, "This answer is incomplete."],
  [DegradedKind.SUBSTITUTE, "This answer comes from a substitute."],
]);

// Whoever acts decides who is told: the person gets no buttons for other people's work, and no texts for programs.
function offers(actions: readonly RecoveryAction[], report: ErrorReport | undefined, remedies: Remedies): HTMLElement[] {
  const controls: HTMLElement[] = [];
  const notes: HTMLElement[] = [];
  const again = (label: string, delayMs: number): void => {
    if (controls.some((c) => c.classList.contains("again"))) return;
    controls.push(element("span", "again", ...againButton(remedies.againLabel ?? label, delayMs, remedies.again)));
  };
  const mayRepeat = report === undefined || (report.verdict === Verdict.SAME_REQUEST && !report.actionRequired);
  const delay = report?.retryDelayMs ?? 0;

  for (const { action, actor, label, thenRetry } of actions) {
    if (actor === Actor.ADMIN || actor === Actor.SERVICE_OWNER) {
      const who = actor === Actor.ADMIN ? "For your administrator" : "For the people who run the service";
      if (label !== "") notes.push(element("p", "", `${who}: `, element("bdi", "", label)));
      continue;
    }
    const forPerson = isForPerson(actor);
    switch (action.case) {
      case "retryAfter":
        if (mayRepeat) again(label || "Try again", action.value.delay ? durationMs(action.value.delay) : delay);
        break;
      case "waitForQuota":
        if (mayRepeat) again("Try again", delay || (action.value.resetsAt ? timestampMs(action.value.resetsAt) - Date.now() : 0));
        break;
      case "reauthenticate":
        // There is no fresh token to be had here without the person.
        if (action.value.kind !== Reauthenticate_Kind.REFRESH) controls.push(button(label || "Sign in", () => remedies.signIn(thenRetry)));
        break;
      case "fixFields": {
        const field = action.value.fixes.map((fix) => fieldNamed(fix.field)).find((f) => f !== undefined);
        const name = forPerson && label !== "" ? label : `Go to “${field?.labels?.[0]?.textContent}”`;
        if (field) controls.push(button(name, () => field.focus()));
        else if (forPerson && label !== "") notes.push(note(label));
        break;
      }
      case "openLink": {
        const link = linkTo(action.value.url, label);
        if (link) controls.push(link);
        break;
      }
      case "contactSupport":
        notes.push(support(label, action.value.channel, action.value.reference || (report?.requestId ?? "")));
        break;
      default: // what the page cannot do, or does not know
        if (forPerson && label !== "") notes.push(note(label));
    }
  }
  if (report !== undefined && mayRepeat) again("Try again", delay);
  controls.find((c) => c.matches("button, .again"))?.classList.add("first");
  const shown: HTMLElement[] = [];
  if (controls.length > 0) shown.push(element("div", "buttons", ...controls));
  if (notes.length > 0) shown.push(element("ul", "notes", ...notes.map((n) => element("li", "", n))));
  return shown;
}

function isForPerson(actor: Actor): boolean {
  return actor === Actor.END_USER || actor === Actor.UNSPECIFIED;
}

function note(label: string): HTMLElement {
  return element("p", "note", label);
}

// The person decides whether to go there, and sees where that is.
function linkTo(address: string, label: string): HTMLElement | undefined {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== "https:" || url.username !== "" || url.password !== "") return undefined;
  const link = element("a", "", label || "More about this");
  link.href = url.href;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  return element("span", "link", link, " ", element("small", "", `(${url.host})`));
}

// Where the people of this page turn to, if an error does not say.
const ownSupport = "support@example.com";

function support(label: string, channel: string, reference: string): HTMLElement {
  const where = element("bdi", "channel", channel || ownSupport);
  const shown = element("div", "support", element("p", "", element("bdi", "", label || "Ask for help"), ": ", where));
  if (reference !== "") shown.append(quotable("Quote", reference));
  return shown;
}

function quotable(name: string, value: string): HTMLElement {
  const code = element("code", "", value);
  const copy = button("Copy", async () => {
    try {
      await navigator.clipboard.writeText(value);
      copy.textContent = "Copied";
    } catch {
      // Browsers have no clipboard for pages that are not secure, or that the person does not trust with it.
      getSelection()?.selectAllChildren(code);
      copy.textContent = "Selected";
      say("Selected: copy it with your keyboard.");
    }
  });
  copy.setAttribute("aria-label", `Copy: ${name}`);
  return element("p", "quotable", `${name} `, code, " ", copy);
}

// What is wrong with fields of the form is said there, the rest here.
const maxViolations = 10;
const maxLinks = 5;

function violations(report: ErrorReport): HTMLElement[] {
  const found = detail(report, BadRequestSchema)?.fieldViolations ?? [];
  const elsewhere: HTMLElement[] = [];
  const marked = new Set<unknown>();
  for (const v of found) {
    const text = plain(v.localizedMessage?.message || v.description || v.reason);
    const field = fieldNamed(v.field);
    if (field) mark(field, text || report.suggestion);
    else elsewhere.push(element("li", "", element("code", "", plain(v.field)), " ", element("bdi", "", text)));
    marked.add(field);
  }
  for (const { action, actor, label } of report.actions) {
    for (const fix of action.case === "fixFields" ? action.value.fixes : []) {
      const field = fieldNamed(fix.field);
      if (field && !marked.has(field)) mark(field, (isForPerson(actor) && label) || report.suggestion);
    }
  }
  const more = elsewhere.length - maxViolations;
  if (more > 0) elsewhere.splice(maxViolations, more, element("li", "", `… and ${more} more`));
  return elsewhere.length > 0 ? [element("ul", "violations", ...elsewhere)] : [];
}

function forDevelopers(report: ErrorReport): HTMLElement {
  const list = element("dl", "");
  const row = (name: string, value: string): void => {
    if (value !== "") list.append(element("dt", "", name), element("dd", "", value));
  };
  row("Error", [report.errorCode, report.domain].filter(Boolean).join(" of "));
  row("Code", Code[report.code] ?? String(report.code));
  if (detail(report, LocalizedMessageSchema)) row("Message", report.message);
  row("Operation", report.operation);
  row("Attempts of the server", report.attempts > 0 ? String(report.attempts) : "");
  report.metadata.forEach((value, key) => row(key, value));
  report.actions
    .filter(({ actor }) => actor === Actor.CLIENT || actor === Actor.CALLER_CODE)
    .forEach(({ label }) => row("For programs", label));
  const links = (detail(report, HelpSchema)?.links ?? []).slice(0, maxLinks).map((l) => linkTo(l.url, plain(l.description)));
  return element("details", "", element("summary", "", "For developers"), list, ...links.filter((l) => l !== undefined));
}

function detail<D extends DescMessage>(report: ErrorReport, schema: D): MessageShape<D> | undefined {
  for (const any of report.details) {
    try {
      const found = anyUnpack(any, schema);
      if (found) return found;
    } catch {
      // damaged: as if it were not there
    }
  }
  return undefined;
}

// The texts inside of details are as they were sent.
function plain(text: string): string {
  const shown = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").trim();
  return shown.length > 256 ? shown.slice(0, 253) + "..." : shown;
}

function age(ms: number): string {
  const steps: [number, string][] = [[86_400_000, "day"], [3_600_000, "hour"], [60_000, "minute"], [1000, "second"]];
  const [size, unit] = steps.find(([size]) => ms >= size) ?? [1000, "second"];
  const n = Math.round(ms / size);
  return `${n} ${unit}${n === 1 ? "" : "s"}`;
}
