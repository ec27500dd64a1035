// Maps on our own tiles: [data-map] shows the city, its points, and a pin that fills two fields.
import { Map, Marker, NavigationControl, Popup, setWorkerUrl } from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function styleOf(box) {
  const line = (id, layer, width, paint, minzoom = 0) => ({
    id, type: "line", source: "city", "source-layer": layer, minzoom,
    paint: { "line-color": colour(paint), "line-width": width },
  });
  return {
    version: 8,
    sources: {
      city: { type: "vector", tiles: [location.origin + box.dataset.tiles], maxzoom: Number(box.dataset.maxZoom) },
    },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": colour("--surface-2") } },
      { id: "city", type: "fill", source: "city", "source-layer": "districts",
        paint: { "fill-color": colour("--surface"), "fill-opacity": 1 } },
      line("unit", "unit_grids", 0.5, "--line", 14),
      line("responsibility", "responsibility_grids", 1, "--line", 11),
      line("district", "districts", 1.6, "--line-strong"),
    ],
  };
}

function pointOf(box) {
  const [lon, lat] = [Number(box.dataset.lon), Number(box.dataset.lat)];
  return box.dataset.lon && Number.isFinite(lon) && Number.isFinite(lat) ? [lon, lat] : null;
}

function mark(map, point, label, strong) {
  const pin = document.createElement("span");
  pin.className = strong ? "map-pin here" : "map-pin";
  pin.textContent = label;
  return new Marker({ element: pin }).setLngLat(point).addTo(map);
}

function show(box) {
  const bounds = box.dataset.bounds.split(",").map(Number);
  const point = pointOf(box);
  const map = new Map({
    container: box,
    style: styleOf(box),
    attributionControl: false,
    maxZoom: 19,
    fadeDuration: 0,
    ...(point ? { center: point, zoom: 15 } : { bounds, fitBoundsOptions: { padding: 12 } }),
  });
  map.addControl(new NavigationControl({ showCompass: false }));
  // The wheel scrolls the page unless the map was clicked: a map in a form must not catch it.
  map.scrollZoom.disable();
  map.once("click", () => map.scrollZoom.enable());
  for (const one of JSON.parse(box.dataset.points || "[]")) mark(map, [one.lon, one.lat], one.label, false);
  if (point) mark(map, point, "●", true);
  if (box.dataset.pick) picking(box, map);
  if (box.dataset.areas) map.once("load", () => showAreas(box, map));
  if (box.dataset.cases) map.once("load", () => showCases(box, map).catch(() => { box.dataset.failed = "1"; }));
  return map;
}

// Responsibility grids by a figure: the darker, the more there is to look at; a click says the figure and leads on.
const DARKNESS = [0.1, 0.22, 0.38, 0.56, 0.74];

function showAreas(box, map) {
  const areas = JSON.parse(box.dataset.areas);
  const codes = (band) => Object.keys(areas).filter((code) => areas[code][0] === band);
  const opacity = ["case"];
  DARKNESS.forEach((dark, at) => opacity.push(["in", ["get", "code"], ["literal", codes(at + 1)]], dark));
  map.addLayer({
    id: "areas", type: "fill", source: "city", "source-layer": "responsibility_grids",
    paint: { "fill-color": colour("--bad"), "fill-opacity": [...opacity, 0] },
  }, "unit");
  map.addLayer({
    id: "area-edges", type: "line", source: "city", "source-layer": "responsibility_grids",
    paint: { "line-color": colour("--line-strong"), "line-width": 0.6 },
  }, "district");
  map.on("click", "areas", ({ features, lngLat }) => {
    const area = areas[features[0].properties.code];
    if (!area) return;
    const [, text, url] = area;
    const said = document.createElement(url ? "a" : "span");
    if (url) said.href = url;
    said.textContent = text;
    new Popup({ closeButton: false }).setLngLat(lngLat).setDOMContent(said).addTo(map);
  });
  map.once("idle", () => { box.dataset.drawn = String(Object.keys(areas).length); });
}

// A traffic light has a shape as well as a colour: the same marks as in every list.
const LIGHTS = {
  overdue: ["--bad", (pen) => { pen.arc(12, 12, 8, 0, 7); pen.fill(); }],
  near: ["--near", (pen) => { pen.moveTo(12, 3); pen.lineTo(22, 21); pen.lineTo(2, 21); pen.closePath(); pen.fill(); }],
  normal: ["--good", (pen) => { pen.arc(12, 12, 7, 0, 7); pen.fill(); pen.stroke(); }],
  paused: ["--text-2", (pen) => { pen.rect(5, 4, 5, 16); pen.rect(14, 4, 5, 16); pen.fill(); }],
};

function iconOf(light) {
  const sheet = document.createElement("canvas");
  sheet.width = sheet.height = 24;
  const pen = sheet.getContext("2d");
  const [name, draw] = LIGHTS[light];
  pen.fillStyle = light === "normal" ? colour("--surface") : colour(name);
  pen.strokeStyle = colour(name);
  pen.lineWidth = 3;
  pen.beginPath();
  draw(pen);
  return pen.getImageData(0, 0, 24, 24);
}

async function showCases(box, map) {
  const answer = await fetch(box.dataset.cases, { credentials: "same-origin" });
  if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
  const { cases, districts } = await answer.json();
  map.addLayer({
    id: "worst", type: "line", source: "city", "source-layer": "responsibility_grids",
    filter: ["in", ["get", "code"], ["literal", JSON.parse(box.dataset.worst)]],
    paint: { "line-color": colour("--bad"), "line-width": 2.5, "line-dasharray": [2, 1] },
  });
  for (const light of Object.keys(LIGHTS)) map.addImage(light, iconOf(light), { pixelRatio: 2 });
  map.addSource("cases", { type: "geojson", data: { type: "FeatureCollection", features: cases.map((one) => ({
    type: "Feature", geometry: { type: "Point", coordinates: [one.lon, one.lat] }, properties: one,
  })) } });
  map.addLayer({
    id: "cases", type: "symbol", source: "cases",
    layout: {
      "icon-image": ["get", "light"], "icon-allow-overlap": true,
      "icon-size": ["interpolate", ["linear"], ["zoom"], 8, 0.7, 14, 1.4],
      "symbol-sort-key": ["match", ["get", "light"], "overdue", 3, "near", 2, 1],
    },
  });
  for (const { name, lon, lat } of districts) {
    const label = document.createElement("span");
    label.className = "map-district";
    label.textContent = name;
    new Marker({ element: label }).setLngLat([lon, lat]).addTo(map);
  }
  for (const said of document.querySelectorAll("[data-light]")) {
    said.textContent = cases.filter((one) => one.light === said.dataset.light).length;
  }
  map.on("click", "cases", ({ features }) => {
    const { number, title, url } = features[0].properties;
    const link = document.createElement("a");
    link.href = url;
    link.textContent = `${number} ${title}`;
    new Popup({ closeButton: false }).setLngLat(features[0].geometry.coordinates).setDOMContent(link).addTo(map);
  });
  map.on("mouseenter", "cases", () => { map.getCanvas().style.cursor = "pointer"; });
  map.on("mouseleave", "cases", () => { map.getCanvas().style.cursor = ""; });
  map.once("idle", () => { box.dataset.drawn = String(cases.length); });
}

// A click puts the pin, fills the fields and says which grid the point lies in.
function picking(box, map) {
  const [lon, lat] = box.dataset.pick.split(",").map((id) => document.getElementById(id));
  const said = document.getElementById(box.dataset.said);
  let pin = null;
  const place = (point) => {
    pin ??= mark(map, point, "●", true);
    pin.setLngLat(point);
  };
  map.on("click", ({ lngLat }) => {
    lon.value = lngLat.lng.toFixed(6);
    lat.value = lngLat.lat.toFixed(6);
    lat.dispatchEvent(new Event("change", { bubbles: true }));
  });
  const look = async () => {
    if (lon.value === "" || lat.value === "") return;
    const point = [Number(lon.value), Number(lat.value)];
    if (!point.every(Number.isFinite) || Math.abs(point[1]) > 85 || Math.abs(point[0]) > 180) return;
    place(point);
    const answer = await fetch(`${box.dataset.at}?${new URLSearchParams({ lon: lon.value, lat: lat.value })}`);
    if (!answer.ok) return;
    const found = await answer.json();
    const parts = [found.district, found.street, found.responsibility_grid, found.unit_grid].filter(Boolean);
    said.textContent = parts.join(" · ") || box.dataset.outside;
    document.dispatchEvent(new CustomEvent("placed", { detail: found }));
  };
  for (const field of [lon, lat]) field.addEventListener("change", look);
  look();
}

const boxes = document.querySelectorAll("[data-map]");
if (boxes.length) {
  setWorkerUrl(boxes[0].dataset.worker);
  for (const box of boxes) if (box.dataset.bounds) show(box);
}
document.addEventListener("htmx:afterSettle", (event) => {
  for (const box of event.target.querySelectorAll?.("[data-map]") ?? []) {
    setWorkerUrl(box.dataset.worker);
    if (box.dataset.bounds) show(box);
  }
});
