// The server's check: what a deployment would refuse, each fault a way to its element.
import { byId, filled, made, root, texts } from "./page.js";

export function offerCheck(saving, select) {
  byId("check").addEventListener("click", async () => {
    await saving.flush();
    const answer = await fetch(root.dataset.check, {
      headers: { Accept: "application/json" },
      redirect: "manual",
    }).catch(() => null);
    if (!answer || !answer.ok) {
      saving.show(answer && answer.type === "opaqueredirect" ? "signed_out" : "offline");
      return;
    }
    list((await answer.json()).faults, select);
  });
  byId("faults-close").addEventListener("click", () => {
    byId("faults-pane").hidden = true;
    byId("check").focus();
  });
  const wanted = decodeURIComponent(window.location.hash.slice(1));
  if (wanted) select(wanted);
}

function list(faults, select) {
  const title = byId("faults-title");
  title.textContent = faults.length ? filled(texts.fault_count, { n: faults.length }) : texts.no_faults;
  byId("faults-list").replaceChildren(...faults.map((fault) => line(fault, select)));
  byId("faults-pane").hidden = false;
  title.focus();
}

function line(fault, select) {
  const button = made("button", { type: "button" });
  button.textContent = `${fault.file} · ${fault.element}：${fault.reason} → ${fault.remedy}`;
  button.addEventListener("click", () => {
    if (fault.file === root.dataset.path) select(fault.element);
    else if (fault.url) window.location.href = `${fault.url}#${encodeURIComponent(fault.element)}`;
  });
  return made("li", {}, button);
}
