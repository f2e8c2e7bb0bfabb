// Opens the page in Chromium, as people do: all the servers run, and the page's calls go to another origin. With
// SCREENSHOTS=folder it leaves pictures there. run.sh starts it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { accessSync, constants, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { delimiter, join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { BadRequestSchema, ErrorInfoSchema, HelpSchema, LocalizedMessageSchema } from "@recourse-dev/recourse/gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "@recourse-dev/recourse/gen/google/rpc/status_pb.js";
import { ErrorDetailSchema, RetryAdvice_Verdict as Verdict } from "@recourse-dev/recourse/gen/recourse/v1/error_detail_pb.js";
import { RecoveryAction_Actor as Actor } from "@recourse-dev/recourse/gen/recourse/v1/recovery_action_pb.js";
import { chromium } from "playwright-core";

const root = resolve(import.meta.dirname, "../..");
const programs = process.env.PROGRAMS; // a folder with backend, server and web
const pictures = process.env.SCREENSHOTS;

// A browser of the machine; none is downloaded.
function browserPath() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]) {
    for (const dir of (process.env.PATH ?? "").split(delimiter)) {
      try {
        accessSync(join(dir, name), constants.X_OK);
        return join(dir, name);
      } catch { /* not here */ }
    }
  }
  return "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";
}

// start runs a program until its standard input ends, and returns the addresses that it names.
async function start(name, lines, ...args) {
  const program = spawn(join(programs, name), ["-attached", ...args], { cwd: root, stdio: ["pipe", "pipe", "pipe"] });
  let out = "", log = "";
  program.stderr.on("data", (b) => (log += b));
  const named = await new Promise((done, failed) => {
    program.on("error", failed);
    program.on("exit", (code) => failed(new Error(`${name} ended with ${code}: ${log}`)));
    program.stdout.on("data", (b) => {
      out += b;
      const found = out.split("\n").slice(0, -1).map((line) => line.split(" ").at(-1));
      if (found.length === lines) done(found);
    });
  });
  const stop = () => new Promise((done) => {
    program.removeAllListeners("exit");
    program.on("exit", done);
    program.stdin.end();
  });
  return { named, stop };
}

function listen(handler) {
  const server = createServer(handler);
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}
const addressOf = (server) => `http://127.0.0.1:${server.address().port}`;

// hiding passes calls on, and takes from the answers what lets the page read their headers.
function hiding(api) {
  return (req, res) => {
    const up = request(api + req.url, { method: req.method, headers: req.headers }, (answer) => {
      const headers = { ...answer.headers };
      delete headers["access-control-expose-headers"];
      res.writeHead(answer.statusCode, headers);
      answer.pipe(res);
    });
    up.on("error", () => res.destroy());
    req.pipe(up);
  };
}

const golden = new Map(
  readdirSync(join(root, "conformance/golden")).map((file) =>
    [file.slice(0, -".json".length), JSON.parse(readFileSync(join(root, "conformance/golden", file), "utf8"))]),
);

// An error whose every text would be more than text.
const markup = `<img src=x onerror="alert(1)">`;
const hostile = `\u202e${markup}`;
const actor = Actor.END_USER;
golden.set("hostile", {
  fileOnly: "not of the conformance suite",
  call: {
    code: 14, message: hostile,
    status: Buffer.from(toBinary(StatusSchema, create(StatusSchema, {
      code: 14, message: hostile,
      details: [
        [ErrorInfoSchema, { reason: "SHELF_UNREACHABLE", domain: "library.example.com", metadata: { floor: hostile } }],
        [BadRequestSchema, { fieldViolations: ["query", "__proto__", markup].map((field) => ({ field, description: hostile })) }],
        [HelpSchema, { links: [{ url: "javascript:alert(1)", description: hostile }] }],
        [LocalizedMessageSchema, { locale: `x"><b>`, message: hostile }],
        [ErrorDetailSchema, {
          errorCode: "SHELF_UNREACHABLE", domain: "library.example.com", suggestion: hostile, operation: hostile,
          retry: { verdict: Verdict.SAME_REQUEST },
          recoveryActions: [
            { actor, label: "Your bank", action: { case: "openLink", value: { url: "https://bank.example.com@evil.example.com/" } } },
            { actor, label: "A script", action: { case: "openLink", value: { url: "https:javascript:alert(1)" } } },
            { actor, label: hostile, action: { case: "contactSupport", value: { channel: hostile, reference: hostile } } },
            { actor, label: hostile, action: { case: "retryAfter", value: {} } },
            { actor, label: hostile },
          ],
        }],
      ].map(([schema, value]) => anyPack(schema, create(schema, value))),
    }))).toString("base64").replace(/=+$/, ""),
  },
});

// ends answers each question with the golden case of its name, over gRPC-Web.
function ends(req, res) {
  const cors = {
    "access-control-allow-origin": req.headers.origin ?? "*", "access-control-allow-methods": "POST",
    "access-control-allow-headers": "content-type, authorization, grpc-timeout, x-grpc-web, x-user-agent",
    "access-control-expose-headers":
      "grpc-status, grpc-message, grpc-status-details-bin, x-request-id, grpc-retry-pushback-ms, recourse-degraded, recourse-degraded-bin",
    vary: "Origin",
  };
  if (req.method === "OPTIONS") return res.writeHead(204, cors).end();
  const body = [];
  req.on("data", (b) => body.push(b)).on("end", () => {
    const asked = Buffer.concat(body);
    const name = asked.subarray(7, 7 + asked[6]).toString(); // the first field of the message after a frame's header
    const { call } = golden.get(name);
    const own = [...Object.entries(call.headers ?? {}), ...Object.entries(call.trailers ?? {})].map(([k, v]) => [k, String(v)]);
    const status = { "grpc-status": String(call.code), "grpc-message": encodeURIComponent(call.message ?? "") };
    if (call.status) status["grpc-status-details-bin"] = call.status;
    const headers = { ...cors, "content-type": "application/grpc-web+proto" };
    if (call.code !== 0) return res.writeHead(200, { ...headers, ...Object.fromEntries(own), ...status }).end();
    const frame = (flag, bytes) => {
      const head = Buffer.alloc(5);
      head[0] = flag;
      head.writeUInt32BE(bytes.length, 1);
      return Buffer.concat([head, bytes]);
    };
    const trailers = Object.entries({ "grpc-status": "0", ...Object.fromEntries(own) }).map(([k, v]) => `${k}: ${v}\r\n`).join("");
    const answer = Buffer.from("\x12\x06it may"); // field 2, answer
    res.writeHead(200, headers).end(Buffer.concat([frame(0, answer), frame(0x80, Buffer.from(trailers))]));
  });
}

// The lowest contrast of any text on the page with what is behind it (WCAG 2, 1.4.3), and where.
function contrast() {
  const rgba = (text) => (text.match(/[\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (node) => {
    for (let n = node; n; n = n.parentElement) {
      const color = rgba(getComputedStyle(n).backgroundColor);
      if (color.length < 4 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  let worst = { ratio: 21, text: "" };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !node.checkVisibility()) continue;
    const [a, b] = [light(rgba(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < worst.ratio) worst = { ratio, text: walk.currentNode.data.trim().slice(0, 40) };
  }
  return worst;
}

const sizes = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 }, small: { width: 320, height: 568 } };

describe("the page", () => {
  let browser, running = [], site, hidden, ending;
  before(async () => {
    assert.ok(programs, "run.sh starts this test");
    const begin = async (...args) => {
      const program = await start(...args);
      running.push(program.stop);
      return program.named;
    };
    const close = (server) => () => new Promise((done) => (server.closeAllConnections(), server.close(done)));
    const [backend] = await begin("backend", 1, "-levers");
    const [assistant] = await begin("server", 1, "-levers", "-backend", backend);
    const web = (...more) => begin("web", 2, "-assistant", assistant, ...more);
    site = await web();
    // The same page, with calls that go another way. Each has its own origin, which the server behind has to allow.
    const goldenServer = await listen(ends);
    running.push(close(goldenServer));
    [ending] = await web("-api", addressOf(goldenServer));
    let behind;
    const hidingServer = await listen((req, res) => hiding(behind)(req, res));
    running.push(close(hidingServer));
    [hidden, behind] = await web("-api", addressOf(hidingServer));

    const args = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
    if (process.getuid?.() === 0) args.push("--no-sandbox");
    browser = await chromium.launch({ executablePath: browserPath(), args });
    if (pictures) mkdirSync(pictures, { recursive: true });
  });
  after(async () => {
    await browser?.close();
    for (const stop of running.reverse()) await stop();
  });

  // open gives a page that fails its test on the first complaint of the browser, but for those about calls that failed.
  async function open(t, { transport = "connect", origin = site[0], ...options } = {}) {
    const context = await browser.newContext({ locale: "en-US", ...options });
    context.setDefaultTimeout(10_000);
    t.after(() => context.close());
    const page = await context.newPage();
    page.complaints = [];
    page.on("console", (m) => /error|warning/.test(m.type()) && !/^Failed to load resource/.test(m.text()) && page.complaints.push(m.text()));
    page.on("pageerror", (e) => page.complaints.push(String(e)));
    page.on("request", (r) => /^(data:|http:\/\/127\.0\.0\.1)/.test(r.url()) || page.complaints.push("asks for " + r.url()));
    t.after(() => assert.deepEqual(page.complaints, []));
    if (options.clock) await page.clock.install();
    await page.goto(`${origin}/?transport=${transport}`);
    return page;
  }

  const signIn = async (page, who) => {
    await page.locator("#sign-in").click();
    await page.getByRole("button", { name: who }).click();
    await page.locator("#who", { hasText: "Signed in: " }).waitFor();
  };
  const ask = async (page, question) => {
    await page.locator("#query").fill(question);
    await page.locator("#ask").click();
    await page.locator("#form:not([aria-busy])").waitFor();
  };
  const failure = (page) => page.locator(".failure");
  const buttons = (page) => page.locator(".failure > .buttons button").allInnerTexts();
  const picture = async (page, name) => {
    if (pictures) await page.screenshot({ path: join(pictures, name + ".png"), fullPage: true });
  };

  for (const transport of ["connect", "grpcweb"]) {
    describe(transport, () => {
      test("an answer", async (t) => {
        const page = await open(t, { transport });
        await signIn(page, "Ada");
        await ask(page, "Will it rain in Oslo tomorrow?");
        assert.match(await page.locator("#answer").innerText(), /Oslo/);
        assert.equal(await page.locator(".card").count(), 0);
        await picture(page, `answer-${transport}`);
      });

      test("nobody is signed in", async (t) => {
        const page = await open(t, { transport });
        await ask(page, "Where is my order?");
        await assert.doesNotReject(failure(page).getByText("Sign in, then try again.").waitFor());
        assert.ok(await failure(page).evaluate((card) => card === document.activeElement), "the keyboard is not at the error");
        assert.deepEqual(await buttons(page), ["Sign in"]);
        await page.keyboard.press("Tab");
        await page.keyboard.press("Enter");
        await picture(page, `sign-in-${transport}`);
        await page.keyboard.press("Enter"); // Ada is the first
        await page.locator("#who", { hasText: "Signed in: Ada" }).waitFor();
        assert.equal(await failure(page).count(), 0);
        await page.keyboard.press("Enter"); // the keyboard is at Ask
        await page.locator("#answer", { hasText: "order" }).waitFor();
      });

      test("a token that has expired: what programs do is not for people", async (t) => {
        const page = await open(t, { transport });
        await signIn(page, "expired");
        await ask(page, "Where is my order?");
        assert.deepEqual(await buttons(page), ["Sign in again"]);
        await page.keyboard.press("Tab");
        await page.keyboard.press("Enter");
        await page.keyboard.press("Escape");
        await page.locator("#people").waitFor({ state: "hidden" });
        assert.equal(await failure(page).count(), 1, "changing one's mind loses the error");
      });

      test("fields that are wrong", async (t) => {
        const page = await open(t, { transport });
        await signIn(page, "Ada");
        await ask(page, " ");
        const field = page.locator("#query");
        assert.equal(await field.getAttribute("aria-invalid"), "true");
        assert.equal(await page.locator("#query-problem").innerText(), "must not be empty");
        assert.equal(await field.getAttribute("aria-describedby"), "query-problem");
        await picture(page, `fields-${transport}`);
        await failure(page).getByRole("button", { name: "Go to “Your question”" }).click();
        assert.ok(await field.evaluate((f) => f === document.activeElement));
        await page.keyboard.type("Hello");
        assert.equal(await field.getAttribute("aria-invalid"), null);
        assert.equal(await page.locator("#query-problem").isVisible(), false);
      });

      test("a field without a text of its own", async (t) => {
        const page = await open(t, { transport });
        await signIn(page, "Ada");
        await page.locator("#user").fill("quinn");
        await ask(page, "Where is my order?");
        assert.equal(await page.locator("#user-problem").innerText(), "Leave user_id out, or use your own.");
        await failure(page).getByRole("button").first().click();
        assert.ok(await page.locator("#user").evaluate((f) => f === document.activeElement));
      });

      test("a question that nobody understands", async (t) => {
        const page = await open(t, { transport });
        await signIn(page, "Ada");
        await ask(page, "blue ideas sleep furiously");
        assert.deepEqual(await buttons(page), ["Ask the same in other words"]);
        assert.equal(await failure(page).locator(".note").innerText(), "Ask about the weather, an order, a refund or a flight");
        await picture(page, `not-understood-${transport}`);
      });

      test("a delay is counted down, and nothing is sent before", async (t) => {
        const page = await open(t, { transport, clock: true });
        await page.clock.pauseAt(Date.now() + 1000); // from here on it is the test that moves the time
        await signIn(page, "Quinn");
        for (let i = 0; i < 5 && (await failure(page).count()) === 0; i++) await ask(page, "Where is my order?");
        const link = failure(page).getByRole("link", { name: "Choose another plan" });
        assert.match(await link.locator("xpath=..").innerText(), /\(assistant\.example\.com\)/);
        assert.equal(await link.getAttribute("rel"), "noopener noreferrer");
        const again = failure(page).getByRole("button", { name: "Try again" });
        const shown = async () => Number((await page.locator(".countdown").innerText()).match(/^in (\d+) s$/)?.[1]);
        const first = await shown();
        assert.equal(await again.getAttribute("aria-disabled"), "true");
        await picture(page, `countdown-${transport}`);
        let calls = 0;
        page.on("request", () => calls++);
        await again.click({ force: true });
        await page.clock.runFor(2000);
        assert.equal(await shown(), first - 2);
        await page.clock.runFor((first - 2) * 1000 - 1);
        assert.equal(await shown(), 1, "a millisecond is left");
        assert.equal(calls, 0, "the button sends before its time");
        await page.clock.runFor(1);
        assert.equal(await page.locator(".countdown").count(), 0);
        assert.equal(await again.getAttribute("aria-disabled"), null);
        assert.equal(await page.locator("#said").innerText(), "You can try again now.");
        const sent = page.waitForRequest(/Process$/);
        await again.click();
        await sent;
      });

      test("a text that breaks off goes on where it broke", async (t) => {
        const page = await open(t, { transport });
        await signIn(page, "Ada");
        await page.getByLabel("Write a text").check();
        await ask(page, `the sea at night, over ${transport} ${Date.now()} demo:break`);
        const first = await page.locator("#answer").innerText();
        assert.ok(first.length > 10, "the text so far is gone");
        assert.deepEqual(await buttons(page), ["Go on where it broke off"]);
        await picture(page, `broken-off-${transport}`);
        await failure(page).getByRole("button", { name: "Go on" }).click();
        await page.locator("#form:not([aria-busy])").waitFor();
        const whole = await page.locator("#answer").innerText();
        assert.ok(whole.startsWith(first) && whole.length > first.length, whole);
        assert.equal(await page.locator(".card").count(), 0);
        await ask(page, await page.locator("#query").inputValue()); // which does not break again
        assert.equal(await page.locator("#answer").innerText(), whole, "the seam shows");
      });

      test("a degraded answer", async (t) => {
        const page = await open(t, { transport });
        await signIn(page, "Ada");
        await ask(page, "Will it rain? demo:down");
        assert.match(await page.locator("#answer").innerText(), /I cannot answer that at the moment/);
        assert.equal(await page.locator(".degraded h2").innerText(), "This answer comes from a substitute.");
        assert.equal(await page.locator(".degraded .suggestion").innerText(), "Try again in a few moments or check system status.");
        await picture(page, `degraded-${transport}`);
        const sent = page.waitForRequest(/Process$/);
        await page.locator(".degraded").getByRole("button", { name: "Try again" }).click();
        await sent;
      });

      test("a bug: whom to ask, and what to quote", async (t) => {
        const page = await open(t, { transport, permissions: ["clipboard-read", "clipboard-write"] });
        await signIn(page, "Ada");
        await ask(page, "Will it rain? demo:panic");
        assert.match(await failure(page).innerText(), /Contact support: support@example\.com/);
        assert.equal(await failure(page).locator(".quotable").count(), 1, "the request id stands there twice");
        const quoted = await failure(page).locator(".support code").innerText();
        assert.match(quoted, /^\w{26}$/);
        await failure(page).getByRole("button", { name: "Copy: Quote" }).click();
        await failure(page).getByText("Copied").waitFor();
        assert.equal(await page.evaluate(() => navigator.clipboard.readText()), quoted);
        assert.doesNotMatch(await page.locator("body").innerText(), /goroutine|index out of range|hunter2/);
        await picture(page, `bug-${transport}`);
      });

      test("a server that cannot be reached", async (t) => {
        const page = await open(t, { transport });
        await signIn(page, "Ada");
        await page.route(/Process$/, (route) => route.abort());
        await ask(page, "Where is my order?");
        await failure(page).getByText("the assistant cannot be reached").first().waitFor();
        await page.unroute(/Process$/);
        await failure(page).getByRole("button", { name: "Try again" }).click();
        await page.locator("#answer", { hasText: "order" }).waitFor();
      });

      test("a person who does not want to wait", async (t) => {
        const page = await open(t, { transport });
        await signIn(page, "Ada");
        await page.locator("#query").fill("Will it rain? demo:slow");
        await page.locator("#ask").click();
        await page.getByRole("button", { name: "Stop" }).click();
        await page.locator("#said", { hasText: "Stopped." }).waitFor();
        assert.equal(await failure(page).count(), 0);
      });
    });
  }

  test("an error in the person's language", async (t) => {
    const page = await open(t, { locale: "de-DE" });
    await signIn(page, "Ada");
    await ask(page, "blue ideas sleep furiously");
    const { lang, text } = await failure(page).locator("h2").evaluate((h) => ({ lang: h.lang, text: h.textContent }));
    const german = JSON.parse(readFileSync(join(root, "examples/server/texts/errors.de.json"), "utf8"));
    assert.ok(JSON.stringify(german).includes(text) && text !== "", text);
    assert.equal(lang, "de");
    await picture(page, "german");
  });

  test("without a clipboard the text is selected", async (t) => {
    const page = await open(t);
    await page.evaluate(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
    await ask(page, "Hello");
    await failure(page).getByRole("button", { name: "Copy: Request id" }).click();
    const selected = await page.evaluate(() => String(getSelection()));
    assert.equal(selected, await failure(page).locator(".quotable code").innerText());
    assert.match(selected, /^\w{26}$/);
  });

  test("what is lost where no headers are exposed", async (t) => {
    const web = await open(t, { origin: hidden, transport: "grpcweb" });
    await signIn(web, "Ada");
    await ask(web, "blue ideas sleep furiously");
    assert.equal(await failure(web).getByText("Try rephrasing your request more clearly.").count(), 0);
    assert.equal(await failure(web).locator(".quotable").count(), 0);
    await picture(web, "hidden-grpcweb");

    const connect = await open(t, { origin: hidden });
    await signIn(connect, "Ada");
    await ask(connect, "blue ideas sleep furiously");
    assert.equal(await failure(connect).locator(".suggestion").innerText(), "Try rephrasing your request more clearly.");
    assert.equal(await failure(connect).locator(".quotable").count(), 0, "the request id is in a header");
    await ask(connect, "Will it rain? demo:down");
    assert.equal(await connect.locator(".degraded").count(), 0, "so is the mark of a degraded answer");
  });

  test("a page of another origin gets nothing", async (t) => {
    const stranger = await listen((_, res) => res.writeHead(200, { "content-type": "text/html" }).end("<title>stranger</title>"));
    t.after(() => new Promise((done) => (stranger.closeAllConnections(), stranger.close(done))));
    const context = await browser.newContext();
    t.after(() => context.close());
    const page = await context.newPage();
    await page.goto(addressOf(stranger));
    const said = await page.evaluate(async (url) => {
      try {
        return (await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" })).status;
      } catch (e) {
        return String(e);
      }
    }, site[1] + "/assistant.v1.Assistant/Process");
    assert.equal(said, "TypeError: Failed to fetch");
  });

  test("all golden errors are shown, and nothing of them does anything", async (t) => {
    const page = await open(t, { origin: ending, transport: "grpcweb", viewport: sizes.small });
    page.on("dialog", () => page.complaints.push("a dialog"));
    let cases = 0, shown = 0;
    for (const [name, { fileOnly, call, report }] of golden) {
      if (fileOnly) continue;
      cases++;
      await ask(page, name);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} is wider than the screen`);
      if (call.code === 0) {
        assert.equal(await page.locator(".degraded").count(), report.degraded ? 1 : 0, name);
        if (report.degraded?.ageMs !== undefined) assert.match(await page.locator(".degraded").innerText(), /It is \d+ \w+ old\./, name);
        continue;
      }
      assert.equal(await failure(page).count(), 1, name);
      assert.equal(await failure(page).locator("script, img, iframe, style, h2 *").count(), 0, name);
      const offered = await buttons(page);
      const texts = await failure(page).evaluate((card) => {
        card.querySelector("details").open = true;
        return card.innerText.replace(/\s+/g, " ");
      });
      const spaced = (text) => text.replace(/\s+/g, " ");
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} is wider than the screen, all of it shown`);
      if (name === "status-undecodable") { // of which Connect gives DATA_LOSS, and nothing else
        assert.match(texts, /DATA_LOSS/);
        continue;
      }
      if (report.suggestion) assert.ok(texts.includes(spaced(report.suggestion)), `${name}: ${texts}`);
      if (report.requestId) assert.ok(texts.includes(spaced(report.requestId)), `${name}: ${texts}`);
      const mayRepeat = report.verdict === "SAME_REQUEST" && !report.actionRequired;
      assert.equal(await failure(page).locator(".again button").count(), mayRepeat ? 1 : 0, `${name}: ${offered}`);
      shown++;
    }
    assert.ok(shown > 80 && cases > shown, `${cases} cases, ${shown} errors`);
    t.diagnostic(`${cases} cases, ${shown} of them errors`);
  });

  test("nothing in an error is more than text", async (t) => {
    const page = await open(t, { origin: ending, transport: "grpcweb", viewport: sizes.phone });
    page.on("dialog", () => page.complaints.push("a dialog"));
    await ask(page, "hostile");
    const card = failure(page);
    await card.locator("details").evaluate((d) => (d.open = true));
    assert.equal(await page.locator("img, b").count(), 0);
    assert.equal(await card.locator("a").count(), 0, "a link that hides where it goes");
    assert.equal(await page.locator("#query-problem").innerText(), markup);
    assert.equal(await card.locator("h2").innerText(), markup);
    assert.deepEqual(await buttons(page), [markup]);
    assert.equal(await card.locator(".violations li").count(), 2);
    assert.doesNotMatch(await page.locator("body").innerText(), /\u202e/);
    await picture(page, "hostile");
  });

  test("who has to act is named, and gets no buttons here", async (t) => {
    const page = await open(t, { origin: ending, transport: "grpcweb" });
    await ask(page, "action-of-each-actor");
    assert.deepEqual(await buttons(page), []);
    const texts = (await failure(page).innerText()).split("\n");
    assert.ok(texts.includes("c") && texts.includes("For your administrator: d") && texts.includes("For the people who run the service: e"), texts);
    assert.ok(!texts.includes("a") && !texts.includes("b"), "what is for programs is shown to the person");
  });

  for (const name of pictures ? ["everything", "text-direction", "largest-of-7168", "actions-beyond-five", "degraded-stale"] : []) {
    test(`a picture of ${name}`, async (t) => {
      const page = await open(t, { origin: ending, transport: "grpcweb", viewport: sizes.phone });
      await ask(page, name);
      await picture(page, `golden-${name}`);
    });
  }

  for (const [size, viewport] of Object.entries(sizes)) {
    for (const colorScheme of ["light", "dark"]) {
      test(`on a ${size} screen, ${colorScheme}`, async (t) => {
        const page = await open(t, { viewport, colorScheme });
        const settled = async (name) => {
          assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} is wider than the screen`);
          const worst = await page.evaluate(contrast);
          assert.ok(worst.ratio >= 4.5, `${name}: "${worst.text}" has a contrast of ${worst.ratio.toFixed(2)}`);
          await picture(page, `${name}-${size}-${colorScheme}`);
        };
        await settled("start");
        await signIn(page, "Ada");
        await ask(page, "Will it rain? demo:full");
        await settled("full");
        await ask(page, "Will it rain? demo:down");
        await settled("degraded");
        await page.locator("#user").fill("quinn");
        await ask(page, "Where is my order?");
        await page.locator(".failure details").evaluate((d) => (d.open = true));
        await page.locator("#tries").evaluate((d) => (d.open = true));
        await settled("all");
        await page.locator("#sign-in").click();
        await settled("people");
      });
    }
  }
});
