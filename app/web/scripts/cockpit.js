// The wall screen: draws the state it is sent, live by server-sent events or from a slider over a past event.
import { Map, setWorkerUrl } from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";

const root = document.getElementById("cockpit");
const said = JSON.parse(root.dataset.said);
const zone = root.dataset.zone;
const style = getComputedStyle(document.documentElement);
const colour = (name) => style.getPropertyValue(name).trim();
const LEVELS = ["--line-strong", "--flood-blue", "--flood-yellow", "--flood-orange", "--flood-red"];
// A stream that was refused is asked for again this often.
const AGAIN_MS = 10000;
const byId = (id) => document.getElementById(id);
const time = new Intl.DateTimeFormat(said.chinese ? "zh-CN" : "en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", hour12: false });
const full = new Intl.DateTimeFormat(said.chinese ? "zh-CN" : "en-GB", { timeZone: zone, month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
let shownAt = 0;
let first = true;

function put(id, text) {
  const place = byId(id);
  const shown = String(text);
  if (place.textContent === shown) return;
  place.textContent = shown;
  if (first) return;
  place.classList.remove("pulse");
  void place.offsetWidth;
  place.classList.add("pulse");
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

const named = (chinese, english) => (said.chinese ? chinese : english || chinese);

function list(id, lines, empty) {
  byId(id).replaceChildren(...(lines.length ? lines : [element("li", "empty", empty)]));
}

function drawCurves(curves) {
  const highest = Math.max(30, ...curves.flatMap((one) => one.line.map(([, depth]) => depth)));
  const rows = curves.map((one) => {
    const row = element("div", "curve");
    const name = element("span", "name", named(one.name, one.name_en));
    name.title = name.textContent;
    row.append(name);
    const last = one.line.at(-1);
    const [begin, end] = [one.line[0]?.[0] ?? 0, Math.max(last?.[0] ?? 1, (one.line[0]?.[0] ?? 0) + 1)];
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 100 40");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
    line.setAttribute("points", one.line.map(([at, depth]) => `${(100 * (at - begin)) / (end - begin)},${39 - (37 * depth) / highest}`).join(" "));
    line.setAttribute("fill", "none");
    line.setAttribute("stroke", colour(LEVELS[one.level]));
    line.setAttribute("stroke-width", "2");
    line.setAttribute("vector-effect", "non-scaling-stroke");
    svg.append(line);
    row.append(svg, element("b", `level-${one.level}`, last ? `${last[1]} ${said.cm}` : "–"));
    return row;
  });
  byId("curves").replaceChildren(...(rows.length ? rows : [element("p", "empty", said.dry)]));
}

function draw(state) {
  shownAt = state.at;
  for (const level of [1, 2, 3, 4]) put(`level-${level}`, state.levels[level]);
  put("rain", state.rain.most ?? "–");
  put("people", `${state.people.on} / ${state.people.due}`);
  put("pumps", `${state.trucks.states.working ?? 0} / ${state.trucks.states.on_way ?? 0}`);
  put("cases", state.cases);
  put("alerts-count", state.alerts.open);
  put("orders-count", state.orders.open);
  const event = state.event;
  byId("event").textContent = event ? `${said.marks[event.level]} ${said.event} · ${said.levels[event.level]} · ${time.format(event.opened_at * 1000)}–` : said.no_rain;
  list("alerts", state.alerts.lines.map(([id, name, english, level, at, confirmed]) => {
    const line = element("li");
    const mark = element("span", `level-${level} state`, `${said.marks[level]} ${said.levels[level]}`);
    const link = element("a", "grow", named(name, english));
    link.href = `/sensing/alerts/${id}`;
    line.append(mark, link);
    if (!confirmed && level > 1) line.append(element("span", "state", said.unconfirmed));
    line.append(element("span", "when", time.format(at * 1000)));
    return line;
  }), said.no_alerts);
  list("orders", state.orders.lines.map(([id, text, to, step, at]) => {
    const line = element("li");
    const link = element("a", "grow", `${to}：${text}`);
    link.href = `/flood/orders/${id}`;
    line.append(link, element("span", "state", said.orders[step]), element("span", "when", time.format(at * 1000)));
    return line;
  }), said.no_orders);
  drawCurves(state.curves);
  place(state);
  first = false;
}

// The map: circles for points, the graver the larger and above the others; squares of colour for people and trucks.
const feature = (lon, lat, properties) => ({ type: "Feature", geometry: { type: "Point", coordinates: [lon, lat] }, properties });
const collection = (features) => ({ type: "FeatureCollection", features });
let map;
let waiting;

function place(state) {
  if (!map || !map.getSource("points")) {
    waiting = state;
    return;
  }
  map.getSource("points").setData(collection(state.points.map(([id, lon, lat, level, depth, name, english]) =>
    feature(lon, lat, { id, level, depth: depth ?? 0, wet: (depth ?? 0) > 0, name: named(name, english) }))));
  map.getSource("people").setData(collection(state.people.places.map(([lon, lat]) => feature(lon, lat, {}))));
  map.getSource("trucks").setData(collection(state.trucks.places.map(([lon, lat, how]) => feature(lon, lat, { how }))));
}

function showMap() {
  const bounds = root.dataset.bounds.split(",").map(Number);
  if (bounds.length !== 4) return;
  setWorkerUrl(root.dataset.worker);
  const line = (id, layer, width, paint) => ({ id, type: "line", source: "city", "source-layer": layer, paint: { "line-color": colour(paint), "line-width": width } });
  const byLevel = (values) => ["match", ["get", "level"], 1, values[1], 2, values[2], 3, values[3], 4, values[4], values[0]];
  map = new Map({
    container: "map",
    attributionControl: false,
    bounds,
    fitBoundsOptions: { padding: 20 },
    fadeDuration: 0,
    style: {
      version: 8,
      sources: { city: { type: "vector", tiles: [location.origin + root.dataset.tiles], maxzoom: Number(root.dataset.maxZoom) } },
      layers: [
        { id: "ground", type: "background", paint: { "background-color": colour("--surface") } },
        { id: "city", type: "fill", source: "city", "source-layer": "districts", paint: { "fill-color": colour("--surface-2") } },
        line("district", "districts", 1.5, "--line-strong"),
      ],
    },
  });
  map.on("load", () => {
    for (const id of ["points", "people", "trucks"]) map.addSource(id, { type: "geojson", data: collection([]) });
    map.addLayer({ id: "points", type: "circle", source: "points",
      layout: { "circle-sort-key": ["get", "level"] },
      paint: { "circle-color": byLevel(LEVELS.map(colour)), "circle-radius": byLevel([["case", ["get", "wet"], 4, 2.5], 6, 8, 10, 13]), "circle-opacity": byLevel([0.7, 0.95, 0.95, 0.95, 0.95]), "circle-stroke-color": colour("--surface"), "circle-stroke-width": 1 } });
    map.addLayer({ id: "people", type: "circle", source: "people", paint: { "circle-color": colour("--text"), "circle-radius": 2.5, "circle-opacity": 0.85 } });
    map.addLayer({ id: "trucks", type: "circle", source: "trucks", paint: { "circle-color": ["match", ["get", "how"], "working", colour("--accent"), colour("--surface")], "circle-radius": 6, "circle-stroke-color": colour("--accent"), "circle-stroke-width": 2 } });
    map.on("click", "points", ({ features }) => { location.href = root.dataset.point + features[0].properties.id; });
    root.dataset.drawn = "1";
    if (waiting) place(waiting);
  });
}

function lost(is) {
  const place = byId("lost");
  place.hidden = !is;
  if (is) place.textContent = said.lost.replace("{at}", shownAt ? full.format(shownAt * 1000) : "–");
}

// Nobody is signed in at the wall any more: signed in again, in any window of it, it goes on by itself.
function signedOut() {
  lost(true);
  const link = element("a", "", said.sign_in);
  link.href = root.dataset.signIn;
  byId("lost").append(" ", said.signed_out, " ", link);
}

async function fetchState(at) {
  const answer = await fetch(root.dataset.state + (at ? `?at=${at}` : ""), { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

function live() {
  setInterval(() => { byId("clock").textContent = full.format(Date.now()); }, 1000);
  const listen = () => {
    const source = new EventSource(root.dataset.events);
    source.onmessage = (message) => { lost(false); draw(JSON.parse(message.data)); };
    source.onopen = () => lost(false);
    source.onerror = async () => {
      lost(true);
      // The browser asks again by itself unless it was refused.
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(listen, AGAIN_MS);
      try { await fetchState(); } catch (error) { if (error.message === "401") signedOut(); }
    };
  };
  listen();
}

function replay() {
  const slider = byId("slider");
  let asked = 0;
  let playing = null;
  const show = async () => {
    const mine = ++asked;
    const at = Number(slider.value);
    byId("slider-at").textContent = full.format(at * 1000);
    byId("clock").textContent = full.format(at * 1000);
    try {
      const state = await fetchState(at);
      if (mine === asked) { lost(false); draw(state); }
    } catch { lost(true); }
  };
  const stop = () => { clearInterval(playing); playing = null; };
  slider.addEventListener("input", show);
  byId("time").addEventListener("submit", (event) => event.preventDefault());
  byId("play").addEventListener("click", () => {
    if (playing) { stop(); return; }
    const span = Number(slider.max) - Number(slider.min);
    playing = setInterval(() => {
      if (Number(slider.value) >= Number(slider.max)) { stop(); return; }
      slider.value = String(Number(slider.value) + Math.max(60, span / 120));
      show();
    }, 500);
  });
  show();
}

showMap();
if (root.dataset.begins) replay();
else { fetchState().then(draw).catch(() => lost(true)); live(); }
