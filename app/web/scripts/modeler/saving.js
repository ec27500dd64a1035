// Keep what is drawn: on the server 1.5 s after a change, and in this browser until the server has it.
import { byId, filled, locked, root, texts } from "./page.js";

const AFTER_MS = 1500;
const KEEP_AFTER_MS = 300;
const RETRY_MS = 5000;
const KEY = `jingwei.draft.${root.dataset.person}.${root.dataset.draft}.${root.dataset.path}`;

class SignedOut extends Error {}

// The page's own parts: `draw` shows a content, `written` returns the present one.
export class Saving {
  constructor({ draw, written }) {
    this.drawer = draw;
    this.writer = written;
    this.version = 0;
    this.token = "";
    this.dirty = false;
    this.sending = null;
    this.raw = false;
    // What would be saved now, for whoever wants to look at it from outside the page's scripts.
    root.written = () => this.written();
    this._listen();
  }

  async open() {
    const kept = readKept();
    const found = await this._fetchContent();
    await this._draw(found.content);
    this.show(locked ? "locked" : "saved");
    if (kept && !locked && kept.content !== found.content) this._offer(kept);
    else if (kept) localStorage.removeItem(KEY);
  }

  // Something was changed on the page.
  changed() {
    if (locked) return;
    this.dirty = true;
    if (!["offline", "signed_out", "stale"].includes(byId("save-state").dataset.state)) this.show("unsaved");
    clearTimeout(this.keeping);
    this.keeping = setTimeout(() => this._keep(), KEEP_AFTER_MS);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), AFTER_MS);
  }

  // Send what is not sent yet; true when the server has all.
  async flush() {
    clearTimeout(this.timer);
    if (this.sending) await this.sending;
    if (!this.dirty) return true;
    if (this.conflict) return false;
    this.sending = this._send();
    await this.sending;
    this.sending = null;
    if (this.dirty && !this.conflict && byId("save-state").dataset.state === "saved") return this.flush();
    return !this.dirty;
  }

  show(state, detail = "") {
    const place = byId("save-state");
    place.dataset.state = state;
    place.textContent = detail ? `${texts[state]}：${detail}` : texts[state];
    byId("retry").hidden = !["offline", "signed_out", "refused"].includes(state);
  }

  async _send() {
    this.show("saving");
    this.dirty = false;
    let content;
    try {
      content = await this.written();
      keep(content, this.version);
      let answer = await this._post(content);
      if (answer.status === 400) {
        // The token belongs to a session that is over: whoever signed in again has another.
        await this._fetchToken();
        answer = await this._post(content);
      }
      await this._answered(answer, content);
    } catch (error) {
      this.dirty = true;
      if (error instanceof SignedOut) this.show("signed_out");
      else if (error instanceof TypeError) this._offline();
      else this.show("refused", error.message);
    }
  }

  async _answered(answer, content) {
    if (answer.ok) {
      this.version = (await answer.json()).version;
      if (!this.dirty) localStorage.removeItem(KEY);
      this.show("saved");
      return;
    }
    this.dirty = true;
    const said = await answer.json().catch(() => ({}));
    if (answer.status === 409) this._conflict(said.message, content);
    else if (answer.status >= 500) this._offline();
    else this.show("refused", [said.message, ...(said.details || [])].filter(Boolean).join(" "));
  }

  _post(content) {
    return this._ask(`${root.dataset.url}?seen=${this.version}`, {
      method: "POST",
      body: new Blob([content], { type: "text/plain" }),
      headers: { "X-CSRFToken": this.token, Accept: "application/json" },
    });
  }

  async _ask(url, options = {}) {
    const answer = await fetch(url, {
      headers: { Accept: "application/json" },
      redirect: "manual",
      cache: "no-store",
      ...options,
    });
    if (answer.type === "opaqueredirect" || answer.status === 401) throw new SignedOut();
    return answer;
  }

  async _fetchContent() {
    const answer = await this._ask(root.dataset.content);
    if (!answer.ok) throw new Error(String(answer.status));
    const found = await answer.json();
    this.version = found.version;
    this.token = found.token;
    return found;
  }

  async _fetchToken() {
    const answer = await this._ask(root.dataset.content);
    if (answer.ok) this.token = (await answer.json()).token;
  }

  async _draw(content) {
    // A mark of byte order is no part of the text.
    const text = content.replace(/^\uFEFF/, "");
    try {
      await this.drawer(text);
      this._showRaw(false);
    } catch (error) {
      byId("raw-text").value = content;
      byId("raw-why").textContent = `${texts.broken} ${error.message}`;
      byId("raw-text").readOnly = locked;
      this._showRaw(true);
    }
  }

  _showRaw(raw) {
    this.raw = raw;
    byId("raw").hidden = !raw;
    document.querySelector(".editor-body").hidden = raw;
  }

  async written() {
    return this.raw ? byId("raw-text").value : this.writer();
  }

  async _keep() {
    if (this.dirty) keep(await this.written(), this.version);
  }

  _offline() {
    this.show("offline");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), RETRY_MS);
  }

  _offer(kept) {
    const box = byId("kept");
    const line = box.querySelector("p");
    line.textContent = filled(line.textContent, { at: new Date(kept.at).toLocaleString() });
    box.hidden = false;
    byId("kept-use").onclick = async () => {
      box.hidden = true;
      this.version = kept.seen;
      await this._draw(kept.content);
      this.changed();
    };
    byId("kept-drop").onclick = () => {
      box.hidden = true;
      localStorage.removeItem(KEY);
    };
  }

  _conflict(message, content) {
    this.conflict = true;
    this.show("stale");
    byId("conflict-text").textContent = message || texts.stale;
    byId("conflict").hidden = false;
    byId("conflict-download").href = URL.createObjectURL(new Blob([content], { type: "text/plain" }));
    const over = () => {
      this.conflict = false;
      byId("conflict").hidden = true;
    };
    byId("conflict-mine").onclick = async () => {
      await this._fetchContent();
      over();
      this.dirty = true;
      await this.flush();
    };
    byId("conflict-theirs").onclick = async () => {
      const found = await this._fetchContent();
      over();
      this.dirty = false;
      localStorage.removeItem(KEY);
      await this._draw(found.content);
      this.show("saved");
    };
  }

  _listen() {
    byId("retry").addEventListener("click", () => this.flush());
    window.addEventListener("online", () => this.flush());
    byId("raw-text").addEventListener("input", () => this.changed());
    byId("raw-draw").addEventListener("click", () => this._draw(byId("raw-text").value));
    window.addEventListener("beforeunload", (event) => {
      if (this.dirty || this.sending) event.preventDefault();
    });
  }
}

function keep(content, seen) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ content, seen, at: Date.now() }));
  } catch {
    // A full or forbidden store: the server still gets it.
  }
}

function readKept() {
  try {
    return JSON.parse(localStorage.getItem(KEY));
  } catch {
    return null;
  }
}
