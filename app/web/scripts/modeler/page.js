// The editor's page: its element, its texts, and what its parts share.
export const root = document.getElementById("editor");
export const texts = JSON.parse(root.dataset.texts);
export const locked = root.dataset.locked === "yes";
export const chinese = document.documentElement.lang.startsWith("zh");

export const byId = (id) => document.getElementById(id);

// "共 {n} 处" -> "共 3 处"
export const filled = (text, facts) => text.replace(/\{(\w+)\}/g, (whole, name) => facts[name] ?? whole);

export function made(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

const choice = byId("go");
if (choice) {
  choice.addEventListener("change", () => {
    window.location.href = `${choice.dataset.base}/${encodeURIComponent(choice.value)}`;
  });
}
