// Choose an element template: what this installation knows, offered for the element that is selected.
import { byId, made } from "./page.js";

export function offerTemplates(modeler) {
  const dialog = byId("templates");
  const search = byId("templates-search");
  const list = byId("templates-list");
  let element = null;
  const draw = () => {
    const words = search.value.trim().toLowerCase();
    const known = modeler.get("elementTemplates").getLatest(element);
    list.replaceChildren(
      ...known
        .filter((template) => template.name.toLowerCase().includes(words))
        .map((template) => {
          const button = made("button", { type: "button", textContent: template.name });
          button.dataset.template = template.id;
          return made("li", {}, button);
        }),
    );
    byId("templates-none").hidden = list.children.length > 0;
  };
  modeler.on("elementTemplates.select", (event) => {
    element = event.element;
    search.value = "";
    draw();
    dialog.showModal();
    search.focus();
  });
  search.addEventListener("input", draw);
  list.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-template]");
    if (!button) return;
    dialog.close();
    const templates = modeler.get("elementTemplates");
    const chosen = templates.getLatest(element).find((one) => one.id === button.dataset.template);
    templates.applyTemplate(element, chosen);
  });
}
