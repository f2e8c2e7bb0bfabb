import { createClient, ConnectError, Code, type CallOptions } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { readDegraded, readError, type DegradedReport, type ErrorReport } from "@recourse-dev/recourse";
import { Assistant } from "../gen/assistant/v1/assistant_pb.js";
import { byId, say } from "./dom.js";
import { degradedCard, failureCard } from "./failure.js";
import { unmarkAll, writesText } from "./fields.js";

const form = byId<HTMLFormElement>("form");
const query = byId<HTMLTextAreaElement>("query");
const user = byId<HTMLInputElement>("user");
const answer = byId("answer");
const notices = byId("notices");
const stop = byId<HTMLButtonElement>("stop");
const people = byId<HTMLDialogElement>("people");

const options = { baseUrl: document.documentElement.dataset["api"]!, defaultTimeoutMs: 15_000 };
const transport =
  new URLSearchParams(location.search).get("transport") === "grpcweb"
    ? createGrpcWebTransport(options)
    : createConnectTransport(options);
const client = createClient(Assistant, transport);

let token = "";

/** Something that the person has asked for, and may ask for again. */
interface Job {
  readonly againLabel: string | undefined;
  run(options: CallOptions): Promise<void>;
}

function question(query: string, userId: string): Job {
  // With a request id the same question is recorded once, however often it is sent.
  const request = { query, userId, requestId: crypto.randomUUID() };
  return {
    againLabel: undefined,
    async run(options) {
      showAnswer((await client.process(request, options)).answer);
    },
  };
}

function text(prompt: string): Job {
  let next = 0;
  return {
    get againLabel() {
      return next > 0 ? "Go on where it broke off" : undefined;
    },
    async run(options) {
      for await (const piece of client.generate({ prompt, startPosition: next }, options)) {
        showAnswer((next > 0 ? answer.textContent : "") + piece.text);
        next = piece.position + 1;
      }
    },
  };
}

function showAnswer(text: string): void {
  answer.hidden = false;
  answer.textContent = text;
}

let running: AbortController | undefined;

async function start(job: Job, again = false): Promise<void> {
  if (running) return;
  const mine = (running = new AbortController());
  let mark: DegradedReport | undefined;
  const look = (metadata: Headers): void => void (mark = readDegraded(metadata) ?? mark);
  const remedies = {
    get againLabel() {
      return job.againLabel;
    },
    again: () => void start(job, true),
    signIn: (thenAgain: boolean) => signIn(() => (thenAgain ? void start(job, true) : byId("ask").focus())),
  };

  unmarkAll();
  notices.replaceChildren();
  if (!again) showAnswer("");
  answer.hidden = answer.textContent === "";
  answer.ariaBusy = form.ariaBusy = "true"; // those who do not see it hear it once it is whole
  stop.hidden = false;
  if (again) stop.focus();
  say("Working…");
  try {
    await job.run({
      headers: token === "" ? {} : { authorization: `Bearer ${token}` },
      signal: mine.signal,
      onHeader: look,
      onTrailer: look,
    });
    say("");
    if (mark) notices.append(degradedCard(mark, remedies));
    if (document.activeElement === stop) answer.focus();
  } catch (error) {
    say("");
    if (mine.signal.aborted) {
      say("Stopped.");
      byId("ask").focus();
      return;
    }
    const card = failureCard(reportOf(error), remedies);
    notices.append(card);
    card.focus();
  } finally {
    running = undefined;
    stop.hidden = true;
    answer.ariaBusy = form.ariaBusy = null;
  }
}

function reportOf(error: unknown): ErrorReport {
  // Where no answer came at all, a TypeError of fetch is behind it.
  const unreachable = error instanceof ConnectError && error.cause instanceof TypeError;
  const report = readError(unreachable ? new ConnectError("the assistant cannot be reached", Code.Unavailable) : error);
  if (report === undefined) throw error; // a bug of this page
  return report;
}

function signIn(then: () => void): void {
  let chosen: HTMLButtonElement | undefined; // none if the person changes their mind
  people.onsubmit = (e) => (chosen = e.submitter as HTMLButtonElement);
  people.onclose = () => {
    if (chosen === undefined) return;
    token = chosen.value;
    byId("who").textContent = token === "" ? "Not signed in" : `Signed in: ${chosen.textContent.split(",")[0]}`;
    byId("sign-in").textContent = token === "" ? "Sign in" : "Switch";
    notices.replaceChildren();
    then();
  };
  people.showModal();
}

function taskChanged(): void {
  byId("query-label").textContent = writesText() ? "What to write about" : "Your question";
  byId("ask").textContent = writesText() ? "Write" : "Ask";
  query.placeholder = writesText() ? "the sea at night" : "Will it rain in Oslo tomorrow?";
  byId("history").hidden = writesText();
  unmarkAll();
}

form.addEventListener("change", (e) => (e.target as HTMLInputElement).name === "task" && taskChanged());
form.addEventListener("submit", (e) => {
  e.preventDefault();
  void start(writesText() ? text(query.value) : question(query.value, user.value));
});
stop.addEventListener("click", () => running?.abort());
byId("sign-in").addEventListener("click", () => signIn(() => query.focus()));
byId("tries").addEventListener("click", (e) => {
  const { say: words, user: of = "", task = "question" } = (e.target as HTMLElement).dataset;
  if (words === undefined) return;
  [query.value, user.value, form["task"].value] = [words, of, task];
  taskChanged();
  query.focus();
});
