// A diagram that can be moved and zoomed, in the page's own colours; the files of a version are fetched once.
import NavigatedViewer from "bpmn-js/lib/NavigatedViewer";
import "bpmn-js/dist/assets/diagram-js.css";
import "bpmn-js/dist/assets/bpmn-js.css";

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class Diagram {
  constructor(container, address) {
    this.address = address;
    this.files = new Map();
    this.file = null;
    this.viewer = new NavigatedViewer({
      container,
      bpmnRenderer: {
        defaultFillColor: colour("--surface"),
        defaultStrokeColor: colour("--text-2"),
        defaultLabelColor: colour("--text"),
      },
    });
  }

  // Show a file, whole in its box; from there one zooms in and moves.
  async show(file) {
    if (file === this.file) return;
    if (!this.files.has(file)) {
      const answer = await fetch(this.address + encodeURIComponent(file), { credentials: "same-origin" });
      if (!answer.ok) throw new Error(`${file}: ${answer.status}`);
      this.files.set(file, await answer.text());
    }
    await this.viewer.importXML(this.files.get(file));
    this.file = file;
    this.canvas.zoom("fit-viewport", "auto");
  }

  get canvas() { return this.viewer.get("canvas"); }
  get overlays() { return this.viewer.get("overlays"); }
  element(id) { return this.viewer.get("elementRegistry").get(id); }

  // Put a text at a corner of an element; it stays readable however small the diagram is drawn.
  label(id, text, kind, position, title = "") {
    const html = document.createElement("span");
    html.className = kind;
    html.textContent = text;
    if (title) html.title = title;
    this.overlays.add(id, { position, html, scale: { min: 0.9, max: 1.2 } });
  }

  // Bring an element into view without losing the reader's own zoom.
  reveal(id) {
    const element = this.element(id);
    if (!element) return;
    const seen = this.canvas.viewbox();
    const inside = element.x >= seen.x && element.y >= seen.y
      && element.x + element.width <= seen.x + seen.width && element.y + element.height <= seen.y + seen.height;
    // What is seen stays where it is: a diagram shown whole must not be pushed out of its box.
    if (!inside) this.canvas.scrollToElement(element, { top: 80, right: 80, bottom: 80, left: 80 });
  }
}
