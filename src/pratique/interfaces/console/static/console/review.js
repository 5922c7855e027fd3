/* Review on one page: the case on the screen, the one after it fetched ahead, deeds sent with fetch, keys for all of it.

   A decision shows the next case at once and is sent meanwhile; if it cannot be done, its case comes back with all that
   was entered and a sentence that says why. Cases stay claimed while the page is seen, and are given back on leaving. */
"use strict";

const review = document.getElementById("review");
const pictures = new Pictures();
const KEPT_EVERY = 60_000;
const AHEAD_PICTURES = 3;

let present = null; // the case on the screen
let ahead = []; // cases that are claimed and ready, the next one first
let fetching = null;
let undoable = null;
let lastSend = Promise.resolve();
const before = []; // ids of the cases that were on the screen earlier
let timing = null;

/* --- talking to the server ------------------------------------------------------------------------------------- */

class Refused extends Error {
  constructor(said, code = "", problems = []) { super(said); this.code = code; this.problems = problems; }
}

let token = review.querySelector("[name=csrfmiddlewaretoken]").value;

async function send(address, body, again = true) {
  let answer;
  try {
    answer = await fetch(address, { method: "POST", body, headers: { "X-CSRFToken": token, "Review-Part": "1" }, credentials: "same-origin" });
  } catch { throw new Refused(sentence("offline"), "offline"); }
  if (answer.redirected) throw new Refused(sentence("signedOut"), "signed_out");
  if (answer.status === 403 && again && (await freshToken())) return send(address, body, false);
  if (answer.status === 409 || answer.status === 400) {
    const said = await answer.json().catch(() => null);
    if (said?.sentence) throw new Refused(said.sentence, said.code, said.problems);
  }
  if (!answer.ok) throw new Refused(sentence("failed"), String(answer.status));
  return answer;
}

/* After signing in again in another tab the old token is refused: any part of the page brings the new one. */
async function freshToken() {
  const address = present?.root.dataset.address;
  if (!address) return false;
  const answer = await fetch(address, { headers: { "Review-Part": "1" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return false;
  const found = parsed(await answer.text()).querySelector("[name=csrfmiddlewaretoken]");
  if (found) token = found.value;
  return Boolean(found);
}

/* Send a deed of a case. What was given back meanwhile (by another tab, or by time) is taken again, once. */
async function deed(one, name, values = {}) {
  const body = JSON.stringify(values);
  try {
    return await send(one.addresses[name], body);
  } catch (error) {
    if (error.code !== "not_open") throw error;
    await send(one.addresses.claim, "{}");
    return send(one.addresses[name], body);
  }
}

function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

/* --- cases ----------------------------------------------------------------------------------------------------- */

function prepared(root) {
  const [addresses, reasons] = [...root.querySelectorAll(":scope > script[type='application/json']")].map((one) => JSON.parse(one.textContent));
  const one = {
    root, addresses, reasons, id: root.dataset.case, number: root.dataset.number, works: Boolean(root.dataset.works),
    viewer: new Viewer(root, pictures), seconds: 0, entered: false,
  };
  one.pictures = one.viewer.addresses;
  one.pictures.slice(0, AHEAD_PICTURES).forEach((address) => pictures.get(address).catch(() => {}));
  one.combos = completing(root, (text) => { const body = new FormData(); body.set("q", text); return send(review.dataset.products, body); });
  one.looks = root.dataset.looks !== undefined; // to read: nothing is taken, neither this case nor the next one
  one.viewer.keep = (address, turned) => { const body = new FormData(); body.set("turned", turned); send(address, body).catch(() => {}); };
  root.querySelectorAll("form[data-form]").forEach((form) => form.addEventListener("submit", (event) => { event.preventDefault(); submit(one, form); }));
  return one;
}

async function fromAnswer(answer) {
  const root = parsed(await answer.text()).querySelector("[data-case]");
  token = root.querySelector("[name=csrfmiddlewaretoken]")?.value ?? token;
  return prepared(document.importNode(root, true));
}

/* Claim and fetch the next case while the present one is looked at. */
function fetchAhead() {
  if (ahead.length || fetching || !present || present.looks) return fetching;
  const body = new FormData();
  if (present.id) body.set("after", present.id);
  // Only when the last decision is in: until then the case that it is about would come back as the next one.
  fetching = lastSend.catch(() => {})
    .then(() => send(review.dataset.next, body))
    .then(fromAnswer)
    .then((one) => { if (one.id && one.id !== present?.id) ahead.push(one); review.dataset.ready = String(ahead.length); return one; })
    .finally(() => { fetching = null; });
  return fetching;
}

function show(one, { focus = true, remember = true } = {}) {
  if (present?.shownAt) present.seconds += (performance.now() - present.shownAt) / 1000;
  if (present?.id && remember && present.id !== one.id) before.push(present.id);
  review.replaceChildren(one.root);
  review.dataset.ready = String(ahead.length);
  present = one;
  one.shownAt = performance.now();
  history.replaceState(null, "", one.id ? one.root.dataset.address : review.dataset.queue);
  one.viewer.show(one.viewer.index ?? 0);
  if (!currentRow()) setRow(rows()[0]);
  if (focus) {
    const title = one.root.querySelector("h1");
    title.focus({ preventScroll: true });
    one.root.querySelector(".panel")?.scrollTo(0, 0);
    if (window.matchMedia("(max-width: 1023px)").matches) window.scrollTo(0, 0);
    say(`${title.textContent}. ${one.root.querySelector("[data-refusal]")?.textContent ?? ""}`);
  }
  if (timing !== null) {
    const started = timing;
    timing = null;
    requestAnimationFrame(() => setTimeout(() => performance.measure("review:next-case", { start: started, end: performance.now() })));
  }
  if (one.id) fetchAhead()?.catch(() => {});
}

async function showNext() {
  let next = ahead.shift();
  if (!next) {
    await lastSend.catch(() => {});
    const found = await (fetchAhead() ?? Promise.resolve(null));
    next = ahead.shift() ?? found;
  }
  if (next) show(next);
}

async function open(id, options) {
  const known = ahead.findIndex((one) => one.id === id);
  if (known >= 0) return show(ahead.splice(known, 1)[0], options);
  const answer = await fetch(`${review.dataset.queue}case/${id}/`, { headers: { "Review-Part": "1" } }).catch(() => null);
  if (!answer) throw new Refused(sentence("offline"));
  if (answer.redirected) throw new Refused(sentence("signedOut"));
  if (!answer.ok) throw new Refused(sentence("failed"));
  return show(await fromAnswer(answer), options);
}

/* The case as it is after a deed: what was looked at and marked stays. */
async function exchange(one, answer) {
  const fresh = await fromAnswer(answer);
  const marked = new Set(marks(one.root).map((mark) => mark.closest("tr").dataset.piece));
  for (const mark of fresh.root.querySelectorAll("[data-mark]")) mark.checked = marked.has(mark.closest("tr").dataset.piece);
  fresh.root.querySelectorAll("details").forEach((part, at) => { part.open = one.root.querySelectorAll("details")[at]?.open ?? part.open; });
  const page = fresh.viewer.pages.findIndex((found) => found.dataset.page === one.viewer.present);
  fresh.seconds = one.seconds + (performance.now() - one.shownAt) / 1000;
  if (fresh.viewer.stage && one.viewer.turns?.length === fresh.viewer.turns.length) fresh.viewer.turns = one.viewer.turns;
  fresh.viewer.index = Math.max(page, 0);
  const row = currentRow()?.dataset.piece;
  if (present === one) {
    present = null;
    show(fresh, { focus: false, remember: false });
    setRow(fresh.root.querySelector(`[data-piece="${row}"]`) ?? rows()[0]);
  }
  return fresh;
}

/* --- deeds ----------------------------------------------------------------------------------------------------- */

const marks = (root = present.root) => [...root.querySelectorAll("[data-mark]:checked")];
const rows = () => [...present.root.querySelectorAll(".piece")];
const waiting = (root) => [...root.querySelectorAll("[data-waits]")];
const currentRow = () => present.root.querySelector(".piece[data-current]");

function say(text) { document.getElementById("announcement").textContent = text; }

function trouble(one, text) {
  const box = one.root.querySelector("[data-trouble]");
  if (!box) return;
  box.querySelector("p").textContent = text;
  box.hidden = false;
  box.scrollIntoView({ block: "nearest" });
}

function setRow(row, focus = false) {
  rows().forEach((one) => one.toggleAttribute("data-current", one === row));
  if (row && focus) { row.focus({ preventScroll: true }); row.scrollIntoView({ block: "nearest" }); }
}

function moveRow(by) {
  const all = rows();
  const at = all.indexOf(currentRow());
  setRow(all[Math.min(Math.max(at + by, 0), all.length - 1)], true);
}

/* Leave a case with something to be sent: the next one shows at once. */
async function leave(one, name, values, done) {
  one.root.querySelector("[data-trouble]").hidden = true;
  const sending = lastSend.catch(() => {}).then(() => deed(one, name, values));
  lastSend = sending;
  const shown = showNext().catch((error) => trouble(one, error.message));
  try {
    const answer = await sending;
    done(await answer.json());
    await shown;
    pictures.drop(one.pictures.filter((address) => !present.pictures.includes(address)));
  } catch (error) {
    await shown;
    if (present !== one) {
      if (present.id) ahead.unshift(present);
      show(one, { remember: false, focus: false });
    }
    trouble(one, error.message);
    if (["decided", "taken_back", "claimed", "handed", "asked"].includes(error.code)) one.root.dataset.works = "";
    one.works = Boolean(one.root.dataset.works);
    one.root.querySelector("h1").focus({ preventScroll: true });
  }
}

function decide(one, returned, reason = "", text = "") {
  const decisions = waiting(one.root).map((row) => {
    const back = returned.has(row.dataset.piece);
    return { kind: row.dataset.kind, id: row.dataset.piece, approve: !back, reason: back ? reason : "", text: back ? text : "" };
  });
  const seconds = Math.round(one.seconds + (performance.now() - one.shownAt) / 1000);
  return leave(one, "decide", { decisions, seconds }, (said) => offerUndo(one, said, returned.size));
}

function approve() {
  if (marks().length) { trouble(present, sentence("marked")); openForm("return"); return; }
  timing = performance.now();
  decide(present, new Set());
}

/* Say what was done where it is seen too, for as long as an undo would be offered. */
function told(text) {
  endUndo();
  const bar = document.getElementById("undo");
  bar.querySelector("[data-said]").textContent = text;
  bar.querySelector("[data-left]").textContent = "";
  bar.querySelector("button").hidden = true;
  bar.hidden = false;
  undoable = { timer: setTimeout(endUndo, 10_000) };
}

function offerUndo(one, said, returned) {
  endUndo();
  const bar = document.getElementById("undo");
  bar.querySelector("button").hidden = false;
  const until = performance.now() + said.undo_seconds * 1000;
  bar.querySelector("[data-said]").textContent = sentence(returned ? "returned" : "approved", said.number);
  const tick = () => {
    const left = Math.ceil((until - performance.now()) / 1000);
    if (left <= 0) { endUndo(); return; }
    bar.querySelector("[data-left]").textContent = sentence("seconds", left);
  };
  undoable = { one, timer: setInterval(tick, 250) };
  tick();
  bar.hidden = false;
}

function endUndo() {
  clearInterval(undoable?.timer);
  undoable = null;
  const bar = document.getElementById("undo");
  const inside = bar.contains(document.activeElement);
  bar.hidden = true;
  if (inside) present.root.querySelector("h1").focus({ preventScroll: true });
}

async function undo() {
  if (!undoable?.one) { say(sentence("nothingToUndo")); return; }
  const { one } = undoable;
  endUndo();
  try {
    const fresh = await fromAnswer(await deed(one, "undo"));
    if (present.id) ahead.unshift(present);
    show(fresh, { remember: false });
    say(sentence("undone"));
  } catch (error) { trouble(present, error.message); }
}

async function skip() {
  const one = present;
  if (one.looks) return;
  timing = performance.now();
  await showNext();
  // Given back only when the next one is there, lest it is the same case again.
  if (present !== one && one.works) release([one.id]);
}

async function goBefore() {
  const id = before.pop();
  if (!id) { say(sentence("first")); return; }
  const one = present;
  try {
    await open(id, { remember: false });
    if (one.id && one.works) ahead.unshift(one);
  } catch (error) { before.push(id); trouble(one, error.message); }
}

/* --- forms ----------------------------------------------------------------------------------------------------- */

const formOf = (name) => present.root.querySelector(`.deed[data-form="${name}"]`);
const openForms = () => [...present.root.querySelectorAll("form[data-form]")].filter((form) => !form.hidden && !form.closest("[hidden]"));

function openForm(name) {
  const form = formOf(name);
  if (!form || !present.works) return;
  closeForms();
  form.hidden = false;
  if (name === "split") for (const box of form.querySelectorAll("[name=page]")) box.checked = box.value === present.viewer.present;
  if (name === "return") preview(form);
  form.scrollIntoView({ block: "nearest" });
  form.querySelector("input:not([type=hidden]), select, textarea").focus();
}

function closeForms(back = false) {
  for (const form of openForms()) {
    const edited = form.closest("[data-edits]");
    if (edited) edited.hidden = true; else form.hidden = true;
    present.root.querySelectorAll("[data-deed=add]").forEach((button) => button.setAttribute("aria-expanded", "false"));
    if (back) (edited ? currentRow() : present.root.querySelector("h1"))?.focus({ preventScroll: true });
  }
}

function edit(row = currentRow()) {
  const part = row && present.root.querySelector(`[data-edits="${row.dataset.piece}"]`);
  if (!part) { if (present.works) openAdd("dose"); return; }
  closeForms();
  setRow(row);
  part.hidden = false;
  part.querySelector("input:not([type=hidden]), select").focus();
}

function openAdd(kind) {
  const form = present.root.querySelector(`.adding form[data-kind="${kind}"]`);
  if (!form) return;
  closeForms();
  form.hidden = false;
  present.root.querySelector(`[data-deed=add][data-kind="${kind}"]`).setAttribute("aria-expanded", "true");
  form.querySelector("input:not([type=hidden]), select").focus();
}

function preview(form) {
  const chosen = present.reasons.find((one) => one.code === form.querySelector("[name=reason]:checked")?.value);
  const text = form.querySelector("[name=text]").value.trim();
  // As reviews.reasons.wording puts it together for the student.
  form.querySelector("[data-preview]").textContent = !chosen ? "" : chosen.code === "other" && text ? text : `${chosen.words} ${text}`.trim();
  const all = waiting(present.root).length;
  const back = marks().length || all;
  form.querySelector("[data-extent]").textContent = back === all ? sentence("all") : sentence("some", back, all - back);
}

function problemOf(form, text, problems = []) {
  const box = form.querySelector("[data-problem]");
  box.textContent = problems.length ? problems.map(([, said]) => said).join(" ") : text;
  box.hidden = false;
  for (const field of form.querySelectorAll("[data-name]")) {
    field.toggleAttribute("aria-invalid", false);
    if (problems.some(([name]) => name === field.dataset.name)) field.setAttribute("aria-invalid", "true");
  }
  (form.querySelector("[aria-invalid=true]") ?? form.querySelector("input:not([type=hidden]), select, textarea")).focus();
}

async function valuesOf(one, form) {
  const values = {};
  for (const field of form.querySelectorAll("[data-name]")) values[field.dataset.name] = field.value;
  for (const combo of form.querySelectorAll("[data-combo=products]")) {
    const code = await one.combos.get(combo).chosen();
    [values.cvx, values.mvx] = code ? code.split("|") : ["", ""];
    values.product = combo.querySelector("[data-name]").value;
  }
  return values;
}

async function submit(one, form) {
  if (form.dataset.busy) return;
  form.dataset.busy = "1";
  try { await forms[form.dataset.form](one, form); } catch (error) {
    if (form.isConnected) problemOf(form, error.message, error.problems); else trouble(one, error.message);
  } finally { delete form.dataset.busy; }
}

const forms = {
  return: (one, form) => {
    const reason = form.querySelector("[name=reason]:checked")?.value;
    if (!reason) { problemOf(form, sentence("reason")); return; }
    const marked = marks(one.root).map((mark) => mark.closest("tr").dataset.piece);
    const back = marked.length ? marked : waiting(one.root).map((row) => row.dataset.piece);
    timing = performance.now();
    decide(one, new Set(back), reason, form.querySelector("[name=text]").value.trim());
  },
  correct: async (one, form) => {
    const answer = await deed(one, "correct", { kind: form.dataset.kind, id: form.dataset.id, values: await valuesOf(one, form) });
    await exchange(one, answer);
    currentRow()?.focus({ preventScroll: true });
  },
  add: async (one, form) => {
    const { kind } = form.dataset;
    await exchange(one, await deed(one, "add", { kind, values: await valuesOf(one, form) }));
    openAdd(kind);
  },
  "hand-over": async (one, form) => {
    const to = await one.combos.get(form.querySelector("[data-combo]")).chosen();
    if (!to) { problemOf(form, sentence("choose")); return; }
    leave(one, "hand_over", { to, note: form.querySelector("[name=note]").value }, (said) => told(said.said));
  },
  opinion: (one, form) => { leave(one, "second_opinion", { note: form.querySelector("[name=note]").value }, (said) => told(said.said)); },
  message: async (one, form) => {
    const values = { requirement: form.querySelector("[name=requirement]")?.value ?? "", body: form.querySelector("[name=body]").value };
    const fresh = await exchange(one, await deed(one, "message", values));
    const thread = fresh.root.querySelector("[data-messages]");
    if (thread) { thread.open = true; thread.scrollIntoView({ block: "nearest" }); thread.querySelector("summary").focus(); }
  },
  split: async (one, form) => {
    const pages = [...form.querySelectorAll("[name=page]:checked")].map((box) => box.value);
    await exchange(one, await deed(one, "split", { pages, requirement: form.querySelector("[name=requirement]").value }));
    present.root.querySelector("h1").focus({ preventScroll: true });
  },
};

async function change(one, name, values) {
  try { await exchange(one, await deed(one, name, values)); present.root.querySelector("h1").focus({ preventScroll: true }); } catch (error) { trouble(one, error.message); }
}

const deeds = {
  approve, undo, next: skip, before: goBefore, edit: () => edit(),
  return: () => openForm("return"), "hand-over": () => openForm("hand-over"), opinion: () => openForm("opinion"),
  message: () => openForm("message"), split: () => openForm("split"),
  "look-again": () => (present.id ? open(present.id, { remember: false }) : showNext()).catch((error) => trouble(present, error.message)),
  take: () => change(present, "claim", {}),
  "take-over": () => change(present, "claim", { over: true }),
};

/* --- keys and clicks --------------------------------------------------------------------------------------------- */

const help = document.getElementById("help");
const shortcuts = document.getElementById("shortcuts");
shortcuts.checked = localStorage.getItem("review-keys") !== "off";
shortcuts.addEventListener("change", () => localStorage.setItem("review-keys", shortcuts.checked ? "on" : "off"));
help.querySelector("[data-closes-help]").addEventListener("click", () => help.close());

const KEYS = {
  a: () => present.works && approve(), r: deeds.return, h: deeds["hand-over"], o: deeds.opinion, m: deeds.message, s: deeds.split,
  e: () => present.works && edit(), d: () => present.works && openAdd("dose"), u: undo, j: () => { skip().catch((error) => trouble(present, error.message)); }, k: goBefore,
  x: () => { const mark = currentRow()?.querySelector("[data-mark]"); if (mark) { mark.click(); mark.closest("tr").focus({ preventScroll: true }); } },
  "+": () => present.viewer.act("larger"), "=": () => present.viewer.act("larger"), "-": () => present.viewer.act("smaller"),
  0: () => present.viewer.act("page"), w: () => present.viewer.act("width"), t: () => present.viewer.act("right"),
  "[": () => present.viewer.act("left"), "]": () => present.viewer.act("right"), "?": () => help.showModal(),
};
const MOVES = { ArrowLeft: [80, 0], ArrowRight: [-80, 0], ArrowUp: [0, 80], ArrowDown: [0, -80] };

function typing(target) {
  return target.matches("textarea, select, [contenteditable], input:not([type=radio]):not([type=checkbox]):not([type=button])");
}

document.addEventListener("keydown", (event) => {
  if (!present || event.defaultPrevented || help.open) return;
  const { target, key } = event;
  if (key === "Escape") { if (openForms().length) { event.preventDefault(); closeForms(true); } return; }
  if (key === "Enter" && event.ctrlKey && target.matches("textarea")) { event.preventDefault(); target.form.requestSubmit(); return; }
  if (event.ctrlKey || event.altKey || event.metaKey || typing(target)) return;
  const returning = formOf("return");
  if (returning && !returning.hidden && /^[1-9]$/.test(key) && shortcuts.checked) {
    const choice = returning.querySelector(`[data-place="${key}"]`);
    if (choice) { event.preventDefault(); choice.checked = true; choice.focus(); preview(returning); }
    return;
  }
  if (MOVES[key] && !target.matches("[type=radio]")) {
    if (present.viewer.enlarged && !target.closest(".panel .piece")) { event.preventDefault(); present.viewer.move(...MOVES[key]); } else if (MOVES[key][1] && !target.closest("[role=toolbar]")) { event.preventDefault(); moveRow(key === "ArrowDown" ? 1 : -1); }
    return;
  }
  if (key === "PageDown" || key === "PageUp") { event.preventDefault(); present.viewer.act(key === "PageDown" ? "next" : "previous"); return; }
  const known = KEYS[key.length === 1 ? key.toLowerCase() : ""];
  if (!known || (openForms().length && "arhomsedjkx".includes(key.toLowerCase()))) return;
  if (!shortcuts.checked && key !== "?") { say(sentence("off")); return; }
  event.preventDefault();
  known();
});

document.addEventListener("click", (event) => {
  const { target } = event;
  const button = target.closest("button");
  if (target.closest("[data-opens-help]")) help.showModal();
  else if (button?.dataset.deed === "add") openAdd(button.dataset.kind);
  else if (button?.dataset.deed) deeds[button.dataset.deed]();
  else if (button?.matches("[data-cancel]")) closeForms(true);
  else if (button?.matches("[data-edit]")) edit(button.closest("tr"));
  else if (button?.matches("[data-remove]")) { const row = button.closest("tr"); change(present, "remove", { kind: row.dataset.kind, id: row.dataset.piece }); }
  const row = target.closest(".piece");
  if (row && present.root.contains(row)) setRow(row);
});

for (const kind of ["input", "change"]) review.addEventListener(kind, () => { const form = formOf("return"); if (form && !form.hidden) preview(form); });
review.addEventListener("focusin", (event) => { const row = event.target.closest(".piece"); if (row) setRow(row); });

/* --- keeping and giving back ------------------------------------------------------------------------------------- */

const held = () => [present, ...ahead].filter((one) => one?.id && one.works);

function release(ids) {
  if (!ids.length) return;
  const body = new FormData();
  body.set("csrfmiddlewaretoken", token);
  ids.forEach((id) => body.append("case", id));
  navigator.sendBeacon(review.dataset.release, body);
}

async function keep() {
  if (document.visibilityState !== "visible" || !held().length) return;
  const body = new FormData();
  held().forEach((one) => body.append("case", one.id));
  try {
    const { lost } = await (await send(review.dataset.keep, body)).json();
    ahead = ahead.filter((one) => !lost[one.id]);
    if (lost[present.id]) trouble(present, lost[present.id]);
  } catch (error) { if (error.code !== "offline") trouble(present, error.message); }
}

setInterval(keep, KEPT_EVERY);
document.addEventListener("visibilitychange", keep);
window.addEventListener("pagehide", () => release(held().map((one) => one.id)));
window.addEventListener("pageshow", (event) => { if (event.persisted) keep(); });

{
  const first = prepared(review.querySelector("[data-case]"));
  present = null;
  show(first, { focus: false });
}
