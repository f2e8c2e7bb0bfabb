// Opens the site of the example's catalogue in Chromium, from the disk and from a server, as its readers do: on a phone and
// on a desk, light and dark, with the keyboard and without JavaScript. With SCREENSHOTS=folder it leaves pictures there.
import assert from "node:assert/strict";
import { accessSync, constants, mkdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { delimiter, join, normalize, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";

const site = resolve(import.meta.dirname, "../../../docs/errors");
const hostile = process.env.HOSTILE && resolve(process.env.HOSTILE); // a site made of testdata/hostile.json
const pictures = process.env.SCREENSHOTS;
const errors = 10;

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

function missing() {
  try {
    accessSync(browserPath(), constants.X_OK);
    return false;
  } catch {
    if (process.env.CI) return false; // there it has to fail
    return "no Chromium found: install one (Debian: apt-get install chromium), or name it in CHROMIUM";
  }
}

// What a static host does: a folder is its index.html, and one without a slash is told to have it.
function serve(dir) {
  const server = createServer((req, res) => {
    const path = normalize(decodeURIComponent(new URL(req.url, "http://localhost").pathname));
    let file = join(dir, path);
    if (path === "/favicon.ico") return res.writeHead(204).end(); // browsers ask for one beside a file that is no page
    try {
      if (statSync(file).isDirectory()) {
        if (!path.endsWith("/")) return res.writeHead(301, { location: path + "/" }).end();
        file = join(file, "index.html");
      }
      res.writeHead(200, { "content-type": file.endsWith(".json") ? "application/json" : "text/html; charset=utf-8" }).end(readFileSync(file));
    } catch {
      res.writeHead(404).end();
    }
  });
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
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
    if (!walk.currentNode.data.trim() || !node.checkVisibility() || /^(SCRIPT|STYLE|OPTION)$/.test(node.tagName)) continue;
    const [a, b] = [light(rgba(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < worst.ratio) worst = { ratio, text: walk.currentNode.data.trim().slice(0, 40) };
  }
  return worst;
}

const sizes = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 }, small: { width: 320, height: 568 } };
const shown = (page) => page.locator(".error:visible h3").allInnerTexts();
const url = (dir, name = "index.html") => pathToFileURL(join(dir, name)).href;

describe("the site of an error catalogue", { skip: missing() }, () => {
  let browser;
  before(async () => {
    const { chromium } = await import("playwright-core");
    const args = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
    if (process.getuid?.() === 0) args.push("--no-sandbox");
    browser = await chromium.launch({ executablePath: browserPath(), args });
    if (pictures) mkdirSync(pictures, { recursive: true });
  });
  after(() => browser?.close());

  // open gives a page that fails its test on the first complaint of the browser, a refusal of the page's policy included.
  async function open(t, options, address = url(site)) {
    const context = await browser.newContext(options);
    t.after(() => context.close());
    const page = await context.newPage();
    page.complaints = [];
    page.on("console", (m) => /error|warning/.test(m.type()) && page.complaints.push(m.text()));
    page.on("pageerror", (e) => page.complaints.push(String(e)));
    page.on("request", (r) => /^(file:|data:|http:\/\/127\.0\.0\.1)/.test(r.url()) || page.complaints.push("asks for " + r.url()));
    t.after(() => assert.deepEqual(page.complaints, []));
    await page.goto(address);
    return page;
  }

  for (const [size, viewport] of Object.entries(sizes)) {
    for (const colorScheme of ["light", "dark"]) {
      test(`a reader with a ${size}, ${colorScheme}`, async (t) => {
        const page = await open(t, { viewport, colorScheme });
        const settled = async (name) => {
          assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} is wider than the screen`);
          const worst = await page.evaluate(contrast);
          assert.ok(worst.ratio >= 4.5, `${name}: "${worst.text}" has a contrast of ${worst.ratio.toFixed(2)}`);
          if (pictures) await page.screenshot({ path: join(pictures, `${name}-${size}-${colorScheme}.png`), fullPage: true });
        };
        assert.equal((await shown(page)).length, errors);
        await settled("index");

        await page.getByRole("searchbox").fill("turns chat");
        assert.deepEqual(await shown(page), ["CHAT_FULL"]);
        assert.equal(await page.getByRole("status").innerText(), `1 of ${errors} errors`);
        await settled("search");

        await page.getByRole("link", { name: "CHAT_FULL" }).click();
        assert.equal(await page.getByRole("heading", { level: 1 }).innerText(), "CHAT_FULL");
        await page.getByText("Start a new chat.").first().waitFor();
        await settled("error");

        await page.goBack();
        assert.deepEqual(await shown(page), ["CHAT_FULL"], "the way back forgets what was searched");
        await page.getByRole("button", { name: "Show all" }).click();
        assert.equal((await shown(page)).length, errors);

        await page.getByRole("link", { name: "NOT_YOUR_HISTORY" }).click();
        await settled("params");
        await page.getByRole("link", { name: "All errors" }).click();
        assert.equal((await shown(page)).length, errors);
      });
    }
  }

  test("filters", async (t) => {
    const page = await open(t, {});
    await page.getByLabel("gRPC code").selectOption("UNAUTHENTICATED");
    assert.deepEqual(await shown(page), ["TOKEN_EXPIRED", "TOKEN_MISSING"]);
    await page.getByLabel("gRPC code").selectOption("");
    await page.getByLabel("Method").selectOption("assistant.v1.Assistant/Chat");
    assert.ok((await shown(page)).includes("CHAT_FULL"));
    assert.ok(!(await shown(page)).includes("SOUND_NOT_SUPPORTED"));
    await page.getByLabel("Method").selectOption("assistant.v1.Assistant");
    assert.equal((await shown(page)).length, errors);
    await page.getByLabel("gRPC code").selectOption("UNIMPLEMENTED");
    await page.getByRole("searchbox").fill("token");
    assert.deepEqual(await shown(page), []);
    await page.getByRole("button", { name: "Show all errors" }).click();
    assert.equal((await shown(page)).length, errors);
  });

  test("a method's link filters the list, and an address can be shared", async (t) => {
    const page = await open(t, {}, url(site, "SOUND_NOT_SUPPORTED/index.html"));
    await page.getByRole("link", { name: "Assistant/Transcribe" }).click();
    assert.ok((await shown(page)).includes("SOUND_NOT_SUPPORTED"));
    assert.ok(!(await shown(page)).includes("CHAT_FULL"));
    await page.getByRole("searchbox").fill("sound 100%");
    const again = await page.context().newPage();
    await again.goto(page.url());
    assert.equal(await again.getByRole("searchbox").inputValue(), "sound 100%");
  });

  test("what is pasted from a log finds its error", async (t) => {
    const page = await open(t, {});
    for (const [line, want] of [
      ["rpc error: code = FailedPrecondition desc = a chat has at most 500 turns", ["CHAT_FULL"]],
      ['{"level":"ERROR","error_code":"QUOTA_USED_UP","domain":"assistant.example.com","took":17}', ["QUOTA_USED_UP"]],
      ["chat_fu", ["CHAT_FULL"]],
      ["<b>nothing</b> like this $(", []],
    ]) {
      await page.getByRole("searchbox").fill(line);
      assert.deepEqual(await shown(page), want, line);
    }
  });

  test("the keyboard does all", async (t) => {
    const page = await open(t, {});
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "To the errors");
    await page.keyboard.press("/");
    await page.keyboard.type("no such error");
    assert.deepEqual(await shown(page), []);
    await page.keyboard.press("Escape");
    await page.keyboard.type("expired");
    await page.keyboard.press("Enter"); // goes to the first that was found
    await page.keyboard.press("Enter");
    await page.waitForURL(/TOKEN_EXPIRED/);
    for (let i = 0; i < 2; i++) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForURL(/errors\/index\.html/);
  });

  test("code is copied", async (t) => {
    const server = await serve(site);
    t.after(() => server.close());
    const address = `http://127.0.0.1:${server.address().port}`;
    const page = await open(t, { permissions: ["clipboard-read", "clipboard-write"] }, address + "/CHAT_FULL/");
    await page.getByRole("button", { name: "Copy" }).first().click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^import assistantv1 .*\n[^]*errors\.Is\(err, assistantv1\.ErrChatFull\)/);
  });

  test("the link in an error resolves on a static host", async (t) => {
    const server = await serve(site);
    t.after(() => server.close());
    const page = await open(t, {}, `http://127.0.0.1:${server.address().port}/TOKEN_EXPIRED`);
    assert.equal(await page.getByRole("heading", { level: 1 }).innerText(), "TOKEN_EXPIRED");
    await page.getByRole("link", { name: "All errors" }).click();
    assert.equal((await shown(page)).length, errors);
    await page.getByRole("link", { name: "catalog.json" }).click();
    assert.equal(JSON.parse(await page.locator("body").innerText()).errors.length, errors);
  });

  test("it can be read without JavaScript, and printed", async (t) => {
    const page = await open(t, { javaScriptEnabled: false });
    assert.equal((await shown(page)).length, errors);
    assert.equal(await page.getByRole("searchbox").isVisible(), false, "a search that cannot work is shown");
    await page.getByRole("link", { name: "QUOTA_USED_UP" }).click();
    await page.getByText("Wait a minute, or choose a plan with more calls.").first().waitFor();
    assert.equal(await page.getByRole("button").count(), 0);
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.getByRole("link", { name: "All errors" }).isVisible(), false);
    if (pictures) await page.screenshot({ path: join(pictures, "print.png"), fullPage: true });
  });

  test("nothing of a hostile catalogue runs", { skip: hostile ? false : "HOSTILE names no site: use make browser-test" }, async (t) => {
    for (const name of ["index.html", "SCRIPTS/index.html"]) {
      const page = await open(t, { viewport: sizes.phone }, url(hostile, name));
      assert.equal(await page.evaluate(() => window.pwned), undefined);
      assert.equal(await page.locator("img, iframe, svg, b, i, u").count(), 0);
      const links = await page.locator("a").evaluateAll((all) => all.map((a) => a.protocol));
      assert.deepEqual(links.filter((p) => p !== "https:" && p !== "file:"), []);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} is wider than the screen`);
      if (pictures) await page.screenshot({ path: join(pictures, `hostile-${name.replace("/", "-")}.png`), fullPage: true });
    }
  });
});
