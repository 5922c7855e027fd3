/* The document of a case: pages as pictures that were fetched (ahead, where there was time), enlarged, turned, moved. */
"use strict";

/* Pictures by address, fetched once and decoded, until their case is put away. */
class Pictures {
  constructor() { this.held = new Map(); }

  get(address) {
    if (!this.held.has(address)) this.held.set(address, this.fetched(address));
    return this.held.get(address);
  }

  async fetched(address) {
    const answer = await fetch(address, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) { this.held.delete(address); throw new Error("picture"); }
    const url = URL.createObjectURL(await answer.blob());
    const image = new Image();
    image.src = url;
    await image.decode();
    return { url, width: image.naturalWidth, height: image.naturalHeight };
  }

  drop(addresses) {
    for (const address of addresses) {
      this.held.get(address)?.then((picture) => URL.revokeObjectURL(picture.url), () => {});
      this.held.delete(address);
    }
  }
}

class Viewer {
  constructor(root, pictures) {
    this.stage = root.querySelector("[data-stage]");
    this.pages = [...root.querySelectorAll("[data-page]")];
    if (!this.stage) return;
    this.root = root;
    this.pictures = pictures;
    this.sheet = root.querySelector("[data-sheet]");
    this.note = root.querySelector("[data-stage-note]");
    this.turns = this.pages.map((page) => Number(page.dataset.turned));
    this.index = 0;
    this.size = null;
    this.fit = "page";
    this.pages.forEach((page, index) => page.addEventListener("click", () => this.show(index)));
    root.querySelectorAll("[data-view]").forEach((button) => button.addEventListener("click", () => this.act(button.dataset.view)));
    this.stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.stage.addEventListener("pointerdown", (event) => this.grab(event));
    this.watch = new ResizeObserver(() => this.size && this.fit && this.refit());
    this.watch.observe(this.stage);
  }

  get addresses() { return this.pages.map((page) => page.dataset.src); }
  get present() { return this.pages[this.index]?.dataset.page; }
  get enlarged() { return Boolean(this.size) && this.scale > this.scaleOf("page") * 1.01; }

  async show(index, { focus = false } = {}) {
    if (!this.stage || !this.pages[index]) return;
    this.index = index;
    this.pages.forEach((page, at) => page.toggleAttribute("aria-current", at === index));
    this.pages.forEach((page, at) => at === index && page.setAttribute("aria-current", "true"));
    this.pages[index].scrollIntoView({ block: "nearest", inline: "nearest" });
    this.root.querySelector("[data-page-number]").textContent = `${index + 1} / ${this.pages.length}`;
    this.note.hidden = true;
    if (focus) this.stage.focus();
    try {
      const picture = await this.pictures.get(this.pages[index].dataset.src);
      if (this.index !== index) return;
      this.sheet.src = picture.url;
      this.sheet.alt = this.pages[index].dataset.alt;
      this.size = picture;
      this.refit();
    } catch {
      if (this.index !== index) return;
      this.sheet.removeAttribute("src");
      this.sheet.alt = "";
      this.note.hidden = false;
    }
    this.pictures.get(this.pages[index + 1]?.dataset.src ?? this.pages[index].dataset.src).catch(() => {});
  }

  act(what) {
    if (!this.stage) return;
    if (what === "next") this.show(Math.min(this.index + 1, this.pages.length - 1));
    else if (what === "previous") this.show(Math.max(this.index - 1, 0));
    else if (what === "larger") this.zoom(1.25);
    else if (what === "smaller") this.zoom(0.8);
    else if (what === "page" || what === "width") { this.fit = what; this.refit(); }
    else if (what === "left" || what === "right") {
      this.turns[this.index] = (this.turns[this.index] + (what === "left" ? 270 : 90)) % 360;
      this.fit ??= "page";
      this.refit();
      this.keepTurn(this.pages[this.index], this.turns[this.index]);
    }
  }

  /* The next person sees the page as it was left; turned several times in a row, it is said once. */
  keepTurn(page, turned) {
    page.querySelector("img").className = `turned-${turned}`;
    if (!page.dataset.turn) return;
    this.saving ??= new Map();
    clearTimeout(this.saving.get(page));
    this.saving.set(page, setTimeout(() => this.keep?.(page.dataset.turn, turned), 500));
  }

  /* Width and height of the page as it stands, turned or not. */
  get shape() {
    const across = this.turns[this.index] % 180 !== 0;
    return across ? [this.size.height, this.size.width] : [this.size.width, this.size.height];
  }

  scaleOf(fit) {
    const [width, height] = this.shape;
    const wide = (this.stage.clientWidth - 16) / width;
    return fit === "width" ? wide : Math.min(wide, (this.stage.clientHeight - 16) / height);
  }

  refit() {
    if (!this.size) return;
    this.scale = this.scaleOf(this.fit ?? "page");
    const [width, height] = this.shape;
    this.x = (this.stage.clientWidth - width * this.scale) / 2;
    this.y = Math.max(8, (this.stage.clientHeight - height * this.scale) / 2);
    this.paint();
  }

  /* Enlarge around a point of the stage, its middle if none is named. */
  zoom(factor, x = this.stage.clientWidth / 2, y = this.stage.clientHeight / 2) {
    if (!this.size) return;
    const scale = Math.min(Math.max(this.scale * factor, this.scaleOf("page") * 0.5), 8);
    this.x = x - ((x - this.x) * scale) / this.scale;
    this.y = y - ((y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.fit = null;
    this.paint();
  }

  move(x, y) {
    if (!this.size) return;
    this.x += x;
    this.y += y;
    this.fit = null;
    this.paint();
  }

  paint() {
    const [width, height] = this.shape;
    const kept = 48; // so much of the page always stays in sight
    this.x = Math.min(Math.max(this.x, kept - width * this.scale), this.stage.clientWidth - kept);
    this.y = Math.min(Math.max(this.y, kept - height * this.scale), this.stage.clientHeight - kept);
    const turn = this.turns[this.index];
    const shift = { 0: "", 90: ` translate(0, -${this.size.height}px)`, 180: ` translate(-${this.size.width}px, -${this.size.height}px)`, 270: ` translate(-${this.size.width}px, 0)` }[turn];
    this.sheet.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale}) rotate(${turn}deg)${shift}`;
  }

  wheel(event) {
    event.preventDefault();
    const box = this.stage.getBoundingClientRect();
    this.zoom(Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
  }

  /* One finger or the mouse moves, two fingers enlarge. */
  grab(event) {
    this.touches ??= new Map();
    this.touches.set(event.pointerId, event);
    this.stage.setPointerCapture(event.pointerId);
    if (this.touches.size > 1) return;
    const moved = (next) => {
      const last = this.touches.get(next.pointerId);
      if (!last) return;
      const other = [...this.touches.values()].find((one) => one.pointerId !== next.pointerId);
      if (other) {
        const gap = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
        const box = this.stage.getBoundingClientRect();
        this.zoom(gap(next) / gap(last), (next.clientX + other.clientX) / 2 - box.left, (next.clientY + other.clientY) / 2 - box.top);
      } else this.move(next.clientX - last.clientX, next.clientY - last.clientY);
      this.touches.set(next.pointerId, next);
    };
    const done = (last) => {
      this.touches.delete(last.pointerId);
      if (this.touches.size) return;
      this.stage.removeEventListener("pointermove", moved);
      for (const end of ["pointerup", "pointercancel"]) this.stage.removeEventListener(end, done);
    };
    this.stage.addEventListener("pointermove", moved);
    for (const end of ["pointerup", "pointercancel"]) this.stage.addEventListener(end, done);
  }
}
