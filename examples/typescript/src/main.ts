// A client of the assistant that tells people what to do when a call fails: npm start -- ADDRESS [SITUATION...]
// With -connect it calls through Connect instead of grpc-js; with -check it writes what the conformance suite reads.
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import {
  Actor,
  DegradedKind,
  readDegraded,
  readError,
  type DegradedReport,
  type ErrorReport,
} from "@recourse-dev/recourse";
import { Assistant } from "../gen/assistant/v1/assistant_pb.js";
import { check } from "./check.js";
import { dial, grpcJsClient, type CallOptions, type Calls } from "./grpc-js.js";

type Client = Calls<typeof Assistant>;

/** What became of a call. */
export interface Outcome {
  answers: string[];
  mark?: DegradedReport | undefined; // the answer is not the real one
  report?: ErrorReport; // there is none
}

// What people ask, and with whose token.
const situations: Record<string, (client: Client, as: (token: string) => CallOptions) => AsyncIterable<string>> = {
  answer: (c, as) => one(c.process({ query: "Will it rain in Oslo tomorrow?" }, as("token-of-ada"))),
  "not-understood": (c, as) => one(c.classifyIntent({ query: "blue ideas sleep furiously" }, as("token-of-ada"))),
  fields: (c, as) => one(c.process({ requestId: "42" }, as("token-of-ada"))),
  "token-expired": (c, as) => one(c.process({ query: "Hello" }, as("token-of-2019"))),
  async *quota(c, as) {
    for (let calls = 0; calls < 3; calls++) {
      yield* one(c.classifyIntent({ query: "Where is my order?" }, as("token-of-quinn"))); // who has two a minute
    }
  },
  "breaks-off": (c, as) =>
    each(c.generate({ prompt: `the sea at night, by ${library} demo:break` }, as("token-of-ada"))),
  sound: (c, as) => one(c.transcribe(recording(), as("token-of-ada"))),
  "chat-full": (c, as) => each(c.chat(chat(), as("token-of-ada"))),
  bug: (c, as) => one(c.process({ query: "Will it rain? demo:panic" }, as("token-of-ada"))),
  degraded: (c, as) => one(c.process({ query: "Will it rain? demo:down" }, as("token-of-ada"))),
};

async function* recording() {
  yield { chunk: { case: "audio", value: Uint8Array.of(1, 2, 3) } } as const;
}

async function* chat() {
  for (let turn = 0; turn < 4; turn++) {
    yield { message: "Where is my order?" };
  }
}

async function* one(reply: Promise<object>): AsyncIterable<string> {
  yield textOf(await reply);
}

async function* each(replies: AsyncIterable<object>): AsyncIterable<string> {
  for await (const reply of replies) {
    yield textOf(reply);
  }
}

function textOf(reply: {
  answer?: string;
  intent?: string;
  text?: string;
  transcript?: string;
  message?: string;
}): string {
  return reply.answer ?? reply.text ?? reply.transcript ?? reply.message ?? reply.intent ?? "";
}

async function play(name: string, client: Client): Promise<Outcome> {
  const outcome: Outcome = { answers: [] };
  const as = (token: string): CallOptions => ({
    headers: { authorization: `Bearer ${token}` },
    timeoutMs: 10_000,
    onTrailer: (trailers) => (outcome.mark = readDegraded(trailers)),
  });
  try {
    for await (const answer of situations[name]!(client, as)) {
      outcome.answers.push(answer);
    }
  } catch (error) {
    const report = readError(error);
    if (report === undefined) {
      throw error; // a bug of this program
    }
    outcome.report = report;
  }
  return outcome;
}

const actors: Partial<Record<Actor, string>> = {
  [Actor.CALLER_CODE]: "by this program's developers",
  [Actor.ADMIN]: "by your administrator",
  [Actor.SERVICE_OWNER]: "by the people who run the service",
};

// show says to a person what became of a call. The texts of a report are safe to print; an answer is the server's own.
function show(name: string, { answers, mark, report }: Outcome): void {
  console.log(`\n${name}`);
  if (answers.length > 0) {
    console.log(`  ${JSON.stringify(answers.map((answer) => answer.trim()).join(" "))}`);
  }
  if (mark !== undefined) {
    const kind = DegradedKind[mark.kind].toLowerCase();
    console.log(`  This is not the real answer (${kind}). ${mark.suggestion}`);
  }
  if (report === undefined) {
    return;
  }
  console.log(`  Failed: ${report.message} [${report.errorCode}]\n  ${report.suggestion}`);
  for (const { label, actor, action } of report.actions) {
    console.log(`  - ${[label, actors[actor]].filter(Boolean).join(", ")}`);
    if (action.case === "fixFields") {
      action.value.fixes.forEach((fix) => console.log(`      ${fix.field}: ${fix.reason || fix.suggestedValue}`));
    }
  }
  if (report.retryDelayMs !== undefined) {
    console.log(`  Not before ${Math.ceil(report.retryDelayMs / 1000)} s.`);
  }
  if (report.requestId !== "") {
    console.log(`  Request id: ${report.requestId}`);
  }
}

const flags = process.argv.slice(2).filter((arg) => arg.startsWith("-"));
const [addr = "127.0.0.1:50051", ...chosen] = process.argv.slice(2).filter((arg) => !arg.startsWith("-"));
const library = flags.includes("-connect") ? "connect" : "grpc-js";
if (!chosen.every((name) => Object.hasOwn(situations, name))) {
  const all = Object.keys(situations).join(", ");
  console.error(`usage: npm start -- [-connect] ADDRESS [SITUATION...], of which there are ${all}`);
  process.exit(2);
}

const session = new Http2SessionManager(`http://${addr}`);
const channel = dial(addr);
const client: Client =
  library === "connect"
    ? createClient(Assistant, createGrpcTransport({ baseUrl: `http://${addr}`, sessionManager: session }))
    : grpcJsClient(Assistant, channel);
for (const name of chosen.length > 0 ? chosen : Object.keys(situations)) {
  (flags.includes("-check") ? check : show)(name, await play(name, client));
}
session.abort();
channel.close();
