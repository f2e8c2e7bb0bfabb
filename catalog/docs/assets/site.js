// Searches the list and copies code. Everything can be read without it; it asks no network.
(function () {
  "use strict";

  // A copy button for each snippet.
  document.querySelectorAll(".snippet").forEach(function (box) {
    var button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", function () {
      var code = box.querySelector("code");
      var say = function (text) {
        button.textContent = text;
        setTimeout(function () { button.textContent = "Copy"; }, 2000);
      };
      // Where there is no clipboard, as in a page of an unsafe origin, the code is selected for the keyboard.
      var select = function () {
        getSelection().selectAllChildren(code);
        say("Selected");
      };
      if (!navigator.clipboard) { return select(); }
      navigator.clipboard.writeText(code.textContent).then(function () { say("Copied"); }, select);
    });
    box.querySelector(".head").appendChild(button);
  });

  var form = document.querySelector(".filters");
  if (!form) { return; }
  form.hidden = false;
  var found = form.querySelector("output");
  var nothing = document.querySelector(".nothing");
  var reset = form.querySelector("[type=reset]");
  var plain = function (text) { return text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim(); };
  var items = Array.prototype.map.call(document.querySelectorAll(".error"), function (node) {
    return {
      node: node, reason: plain(node.dataset.reason), code: node.dataset.code,
      methods: node.dataset.methods.split(" "), message: plain(node.querySelector(".message").textContent).split(" "),
      text: plain(node.textContent + " " + node.dataset.methods),
    };
  });

  // All words of the query are in the text, where the last one may be unfinished. Otherwise the query may be a line of a log:
  // it is about the errors that it names, or else about those whose message it mostly is.
  function matching(query) {
    if (query === "") { return items; }
    var words = query.split(" ");
    var ways = [
      function (item) { return words.every(function (w) { return (" " + item.text).indexOf(" " + w) >= 0; }); },
      function (item) { return (" " + query + " ").indexOf(" " + item.reason + " ") >= 0; },
      function (item) {
        var said = item.message.filter(function (w) { return words.indexOf(w) >= 0; });
        return said.length > 2 && said.length >= 0.7 * item.message.length;
      },
    ];
    for (var i = 0; i < ways.length; i++) {
      var hits = items.filter(ways[i]);
      if (hits.length) { return hits; }
    }
    return [];
  }

  function update() {
    var hits = matching(plain(form.elements.q.value)), method = form.elements.method.value, code = form.elements.code.value, shown = 0;
    items.forEach(function (item) {
      var ok = hits.indexOf(item) >= 0 && (!code || item.code === code) &&
        (!method || item.methods.some(function (m) { return m === method || m.indexOf(method + "/") === 0; }));
      item.node.hidden = !ok;
      shown += ok ? 1 : 0;
    });
    document.querySelectorAll("main section").forEach(function (s) { s.hidden = !s.querySelector(".error:not([hidden])"); });
    found.textContent = shown === items.length ? items.length + (items.length === 1 ? " error" : " errors") : shown + " of " + items.length + " errors";
    nothing.hidden = shown > 0;
    reset.hidden = shown === items.length;
  }

  // What was chosen stays in the address, so that it can be shared and survives the way back.
  function remember() {
    var parts = [];
    ["q", "method", "code"].forEach(function (name) {
      if (form.elements[name].value) { parts.push(name + "=" + encodeURIComponent(form.elements[name].value)); }
    });
    history.replaceState(null, "", "#" + parts.join("&"));
  }

  function recall() {
    var chosen = new URLSearchParams(location.hash.slice(1));
    ["q", "method", "code"].forEach(function (name) { form.elements[name].value = chosen.get(name) || ""; });
    update();
  }

  function clear() {
    ["q", "method", "code"].forEach(function (name) { form.elements[name].value = ""; });
    update();
    remember();
    form.elements.q.focus();
  }

  form.addEventListener("input", function () { update(); remember(); });
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    var first = document.querySelector(".error:not([hidden]) a");
    if (first) { first.focus(); }
  });
  form.addEventListener("reset", function (event) { event.preventDefault(); clear(); });
  document.querySelector(".all").addEventListener("click", clear);
  document.addEventListener("keydown", function (event) {
    var field = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !field && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      form.elements.q.focus();
    } else if (event.key === "Escape" && event.target === form.elements.q) {
      clear();
    }
  });
  window.addEventListener("hashchange", recall);
  window.addEventListener("pageshow", recall);
  recall();
})();
