/* Sends files in parts that survive a bad network (tus), and keeps the list of files as the server has it.
   Without this file the form sends whole files, and every button is a form of its own.

   An item is one file on its way: waiting → sending → sent, with stops for no connection, a sign-in that ended, or a
   refusal. What the server has is safe whatever happens here, and `safe` says how much that is. */
"use strict";

(() => {
  const PART = 512 * 1024; // below what a request without a sign-in may hold, so that we get an answer to it
  const AT_ONCE = 2;
  const DELAYS = [0, 1000, 2000, 4000, 8000, 15000, ...Array(20).fill(30000)];
  const KEPT = "file-upload:";

  const root = document.querySelector("[data-files]");
  const words = root && JSON.parse(document.getElementById("files-words").textContent);
  const items = [];
  let token = "";
  let polling = 0;

  const say = (key, values = {}) => String(words[key]).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  const announce = (text) => { root.querySelector("[data-said]").textContent = text; };
  const listed = () => document.getElementById("files-list");

  function sizeOf(bytes) {
    const digits = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
    if (bytes < 1024 * 1024) return say("kilobytes", { number: digits.format(Math.max(1, Math.round(bytes / 1024))) });
    return say("megabytes", { number: digits.format(bytes / 1024 / 1024) });
  }

  // --- which upload a file belongs to, after a reload: a digest, so that no name stays on a shared machine ---------

  const addresses = {
    async findAllUploads() { return []; },
    async findUploadsByFingerprint(print) {
      const kept = JSON.parse(localStorage.getItem(KEPT + print) ?? "null");
      return kept ? [{ ...kept, metadata: {}, urlStorageKey: KEPT + print }] : [];
    },
    async removeUpload() { /* Only we know when: see `forget`. */ },
    async addUpload(print, { size, creationTime, uploadUrl }) {
      localStorage.setItem(KEPT + print, JSON.stringify({ size, creationTime, uploadUrl }));
      return KEPT + print;
    },
  };

  async function fingerprint(file) {
    if (!crypto.subtle) return null; // a page without https: nothing to resume after a reload, that is all
    const told = [root.dataset.upload, file.name, file.size, file.lastModified].join("\n");
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(told));
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function forget(item) {
    if (item.print) localStorage.removeItem(KEPT + item.print);
  }

  // --- one file -----------------------------------------------------------------------------------------------------

  function add(file) {
    const item = { file, state: "waiting", safe: 0, sent: 0, url: "", gone: false, refreshed: false };
    items.push(item);
    draw(item);
    if (file.size === 0) return refuse(item, say("empty"));
    if (file.size > words.largest) return refuse(item, say("too_large"));
    next();
  }

  // Two at once, but begun one after the other: the server keeps them in the order in which they were chosen.
  let beginning = null;

  function next() {
    const running = items.filter((item) => ["sending", "retrying"].includes(item.state)).length;
    const item = items.find((one) => one.state === "waiting");
    if (item && !beginning && running < AT_ONCE) begin(item);
  }

  function begun(item) {
    if (beginning !== item) return;
    beginning = null;
    next();
  }

  async function begin(item) {
    beginning = item;
    become(item, "sending");
    announce(say("started", { name: item.file.name }));
    item.print = await fingerprint(item.file);
    item.upload = new tus.Upload(item.file, {
      endpoint: root.dataset.upload,
      chunkSize: PART,
      retryDelays: DELAYS,
      metadata: { filename: item.file.name },
      fingerprint: async () => item.print,
      urlStorage: addresses,
      removeFingerprintOnSuccess: false,
      onUploadUrlAvailable: () => { item.url = item.upload.url; item.gone = false; hideOwn(); begun(item); },
      onBeforeRequest: (request) => {
        request.setHeader("X-CSRFToken", token);
        // The library would begin anew where an address did not answer; we do so only where it is gone.
        if (request.getMethod() === "POST" && item.url && !item.gone) throw new Error("not gone");
      },
      onAfterResponse: (request, response) => {
        if (request.getMethod() === "HEAD" && [404, 410].includes(response.getStatus())) item.gone = true;
      },
      onChunkComplete: (_, accepted) => { item.safe = accepted; item.refreshed = false; },
      onProgress: (sent) => { item.sent = sent; become(item, "sending"); },
      onShouldRetry: (error) => mayRetry(item, error),
      onError: (error) => stop(item, error),
      onSuccess: () => done(item),
    });
    const before = await item.upload.findPreviousUploads();
    if (item.state === "cancelled") return;
    if (before.length) {
      item.url = before[0].uploadUrl;
      item.upload.resumeFromPreviousUpload(before[0]);
    }
    start(item);
  }

  function start(item) {
    if (!navigator.onLine) return become(item, "offline");
    if (item.url && !item.gone) item.upload.url = item.url;
    become(item, "sending");
    item.upload.start();
  }

  function statusOf(error) {
    return error.originalResponse?.getStatus() ?? 0;
  }

  function mayRetry(item, error) {
    const status = statusOf(error);
    const passes = status === 0 || status === 409 || status === 423 || status === 429 || status >= 500;
    if (!passes || !navigator.onLine) return false;
    if (item.url && !item.gone) item.upload.url = item.url;
    become(item, "retrying");
    return true;
  }

  async function stop(item, error) {
    const status = statusOf(error);
    if (item.state === "cancelled") return;
    if (status === 0 && !navigator.onLine) return become(item, "offline");
    if (status === 401) return become(item, "signed_out", true);
    if (status === 403 && !item.refreshed) {
      // The form's token changed with a sign-in in another tab.
      item.refreshed = true;
      if (await refresh()) return start(item);
    }
    let told = null;
    try { told = JSON.parse(error.originalResponse?.getBody() ?? ""); } catch { /* no sentence of ours */ }
    if (told?.sentence) return refuse(item, told.sentence);
    become(item, "stopped", true);
    next();
  }

  function refuse(item, why) {
    forget(item);
    item.why = why;
    become(item, "refused", true);
    next();
  }

  async function done(item) {
    forget(item);
    announce(say("sent"));
    await refresh();
    drop(item);
    next();
  }

  async function cancel(item) {
    const told = item.state !== "refused";
    become(item, "cancelled");
    forget(item);
    await item.upload?.abort(false);
    if (item.url && !item.gone) {
      const headers = { "Tus-Resumable": "1.0.0", "X-CSRFToken": token };
      await fetch(item.url, { method: "DELETE", headers }).catch(() => null);
    }
    drop(item);
    if (told) announce(say("cancelled", { name: item.file.name }));
    await refresh();
    next();
  }

  async function goOn(item) {
    if (item.state === "signed_out" && !(await refresh())) return announce(say("still_out"));
    if (!item.upload) return begin(item);
    start(item);
    return null;
  }

  function become(item, state, aloud = false) {
    const changed = item.state !== state;
    item.state = state;
    draw(item);
    if (!["waiting", "sending", "retrying"].includes(state)) begun(item);
    if (changed && (aloud || state === "offline")) announce(`${item.file.name}: ${sentence(item)}`);
  }

  // --- what an item looks like ------------------------------------------------------------------------------------

  function sentence(item) {
    const percent = (bytes) => Math.floor((100 * bytes) / Math.max(1, item.file.size));
    if (item.state === "refused") return item.why;
    if (item.state === "sending") return say("sending", { percent: percent(item.sent), size: sizeOf(item.file.size) });
    if (item.state === "cancelled") return "";
    return say(item.state, { percent: percent(item.safe) });
  }

  function make(tag, className, text = "") {
    const made = document.createElement(tag);
    made.className = className;
    made.textContent = text;
    return made;
  }

  function button(text, act) {
    const made = make("button", "usa-button usa-button--unstyled", text);
    made.type = "button";
    made.addEventListener("click", act);
    return made;
  }

  function draw(item) {
    const list = root.querySelector("[data-sending]");
    if (!item.row) {
      item.row = make("li", "");
      item.row.append(make("p", "files-name break"), make("progress", ""), make("p", "files-said"), make("p", "files-actions"));
      item.row.children[0].append(make("span", "", item.file.name));
      item.row.children[1].setAttribute("aria-label", item.file.name);
      item.row.children[1].max = Math.max(1, item.file.size);
      list.append(item.row);
    }
    const [, bar, said, actions] = item.row.children;
    bar.value = item.state === "sending" ? Math.max(item.sent, item.safe) : item.safe;
    bar.hidden = item.state === "refused";
    said.textContent = sentence(item);
    if (item.drawn !== item.state) {
      item.drawn = item.state;
      item.row.className = { refused: "files-refused", signed_out: "files-held", stopped: "files-held", offline: "files-held" }[item.state] ?? "";
      const inside = actions.contains(document.activeElement);
      actions.replaceChildren(...deeds(item));
      if (inside) actions.querySelector("a, button")?.focus();
    }
    list.hidden = false;
    const none = root.querySelector("[data-none]");
    if (none) none.hidden = true;
  }

  function deeds(item) {
    const cancelling = button(say(item.state === "refused" ? "close" : "cancel"), () => cancel(item));
    cancelling.append(make("span", "usa-sr-only", ` ${item.file.name}`));
    if (item.state === "signed_out") {
      const link = make("a", "", say("sign_in"));
      Object.assign(link, { href: root.dataset.signIn, target: "_blank", rel: "noopener" });
      return [link, button(say("continue"), () => goOn(item)), cancelling];
    }
    if (item.state === "stopped") return [button(say("try_again"), () => goOn(item)), cancelling];
    return item.state === "cancelled" ? [] : [cancelling];
  }

  function drop(item) {
    const place = items.indexOf(item);
    if (place >= 0) items.splice(place, 1);
    item.row.remove();
    root.querySelector("[data-sending]").hidden = items.length === 0;
    const none = root.querySelector("[data-none]");
    if (none) none.hidden = items.length > 0;
  }

  // --- the list, as the server has it ----------------------------------------------------------------------------

  const asked = () => ({ "X-Files": "1", "Tus-Resumable": "1.0.0", "X-CSRFToken": token });

  async function refresh() {
    const address = `${root.dataset.list}?next=${encodeURIComponent(location.pathname)}`;
    const response = await fetch(address, { headers: asked() }).catch(() => null);
    if (!response?.ok) return false;
    show(await response.text());
    return true;
  }

  function show(text) {
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("files-list");
    const old = listed();
    if (!fresh) return;
    token = fresh.dataset.csrf;
    if (fresh.dataset.version === old.dataset.version) {
      for (const field of root.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
    } else {
      const focused = old.contains(document.activeElement) ? document.activeElement.id : null;
      tellChanges(old, fresh);
      old.replaceWith(fresh);
      if (focused !== null) focusAgain(focused);
      const { pages, busy } = { pages: fresh.querySelectorAll("[data-page]").length, busy: "busy" in fresh.dataset };
      root.dispatchEvent(new CustomEvent("files:changed", { bubbles: true, detail: { pages, busy } }));
    }
    hideOwn();
    poll();
  }

  function tellChanges(old, fresh) {
    const now = new Map([...fresh.querySelectorAll("[data-file]")].map((row) => [row.dataset.file, row]));
    const pages = new Set([...fresh.querySelectorAll("[data-page-file]")].map((page) => page.dataset.pageFile));
    const said = [];
    for (const row of old.querySelectorAll('[data-state="checking"]')) {
      const name = row.querySelector(".files-name").textContent.trim();
      const after = now.get(row.dataset.file);
      if (after?.dataset.state === "refused") {
        said.push(say("refused", { name, why: after.querySelector("[data-sentence]").textContent.trim() }));
      } else if (pages.has(row.dataset.file)) said.push(say("ready", { name }));
    }
    if (said.length) announce(said.join(" "));
  }

  function focusAgain(id) {
    const [, deed, rest] = id.match(/^(\w+?)-(.*)$/) ?? [];
    const other = { earlier: "later", later: "earlier" }[deed];
    const places = [id, other && `${other}-${rest}`, `turn-${rest}`].filter(Boolean).map((one) => document.getElementById(one));
    const title = document.getElementById("files-title");
    title.tabIndex = -1;
    (places.find((place) => place && !place.disabled) ?? title).focus();
  }

  // What is on its way from this very page has a row above; the server's row for it would say it twice.
  function hideOwn() {
    const own = new Set(items.filter((item) => item.url).map((item) => item.url.split("/").at(-2)));
    for (const row of root.querySelectorAll('[data-state="receiving"]')) row.hidden = own.has(row.dataset.file);
    const none = root.querySelector("[data-none]");
    if (none) none.hidden = items.length > 0;
  }

  function poll(wait = 700) {
    clearTimeout(polling);
    if (!("busy" in listed().dataset)) return;
    polling = setTimeout(async () => { if (!(await refresh())) poll(Math.min(10000, wait * 2)); }, wait);
  }

  async function send(address, body, told) {
    body.set("csrfmiddlewaretoken", token);
    const response = await fetch(address, { method: "POST", body, headers: asked() }).catch(() => null);
    if (response?.ok) {
      show(await response.text());
      announce(told());
      return;
    }
    const problem = await response?.json().catch(() => null);
    await refresh();
    announce(problem?.sentence ?? say("failed"));
  }

  function placeOf(id) {
    return [...root.querySelectorAll("[data-page]")].findIndex((page) => page.dataset.page === id) + 1;
  }

  // --- what people do --------------------------------------------------------------------------------------------

  function onChange(event) {
    if (!event.target.matches("[data-picks]")) return;
    for (const file of event.target.files) add(file);
    event.target.value = ""; // the same file may be chosen again
  }

  function onSubmit(event) {
    if (!event.target.matches("[data-changes]")) return;
    event.preventDefault();
    const body = new FormData(event.target, event.submitter);
    const page = event.target.closest("[data-page]")?.dataset.page;
    const moved = ["earlier", "later"].includes(body.get("do"));
    send(event.target.action, body, () => (moved ? say("moved", { place: placeOf(page) }) : say("changed")));
  }

  let dragged = null;
  const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files") && !dragged;

  function onDragStart(event) {
    dragged = event.target.closest?.("[data-page]") ?? null;
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
    dragged.classList.add("dragged");
  }

  function onDragOver(event) {
    const over = dragged && event.target.closest("[data-page]");
    if (!over && !carriesFiles(event)) return;
    event.preventDefault();
    root.classList.toggle("drags", carriesFiles(event));
    for (const page of root.querySelectorAll(".drop-here")) page.classList.toggle("drop-here", page === over);
    if (over && over !== dragged) over.classList.add("drop-here");
  }

  function onDrop(event) {
    if (carriesFiles(event)) {
      event.preventDefault();
      for (const file of event.dataTransfer.files) add(file);
    } else if (dragged) {
      event.preventDefault();
      const over = event.target.closest("[data-page]");
      if (over && over !== dragged) putBeside(dragged, over);
    }
    onDragEnd();
  }

  function putBeside(page, over) {
    const pages = [...root.querySelectorAll("[data-page]")];
    const after = pages.indexOf(page) < pages.indexOf(over);
    over[after ? "after" : "before"](page);
    const body = new FormData();
    for (const one of root.querySelectorAll("[data-page]")) body.append("page", one.dataset.page);
    send(root.dataset.order, body, () => say("moved", { place: placeOf(page.dataset.page) }));
  }

  function onDragEnd() {
    dragged?.classList.remove("dragged");
    dragged = null;
    root.classList.remove("drags");
    for (const page of root.querySelectorAll(".drop-here")) page.classList.remove("drop-here");
  }

  function setUp() {
    token = listed().dataset.csrf;
    if (root.querySelector("[data-choose]") && window.tus?.isSupported) {
      root.querySelector("[data-without-script]").hidden = true;
      root.querySelector("[data-with-script]").hidden = false;
      root.addEventListener("dragover", onDragOver);
      root.addEventListener("dragleave", (event) => { if (!root.contains(event.relatedTarget)) root.classList.remove("drags"); });
      root.addEventListener("drop", onDrop);
    }
    root.addEventListener("change", onChange);
    root.addEventListener("submit", onSubmit);
    root.addEventListener("dragstart", onDragStart);
    root.addEventListener("dragend", onDragEnd);
    window.addEventListener("offline", () => {
      for (const item of items.filter((one) => ["sending", "retrying"].includes(one.state) && one.upload)) {
        item.upload.abort(false);
        become(item, "offline");
      }
    });
    window.addEventListener("online", () => {
      for (const item of items.filter((one) => one.state === "offline")) goOn(item);
    });
    window.addEventListener("beforeunload", (event) => {
      if (items.some((item) => item.state !== "refused")) event.preventDefault();
    });
    poll();
  }

  if (root) setUp();
})();
