// Draw a device's values with the lines that they are held against; the table below says the same.
import { LineChart } from "echarts/charts";
import { GridComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

echarts.use([LineChart, GridComponent, MarkLineComponent, TooltipComponent, CanvasRenderer]);

const LEVELS = ["", "--flood-blue", "--flood-yellow", "--flood-orange", "--flood-red"];
const place = document.getElementById("trace");
const table = document.getElementById("as-table");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Moments are written as the city's clocks show them, so that the axis does, wherever the reader is.
function column(name) {
  const rows = document.querySelectorAll(`#${place.dataset.table} tr[data-at]`);
  return [...rows].map(({ dataset }) => [dataset.at, dataset[name] === undefined ? null : Number(dataset[name])]);
}

function curve(name, width, opacity) {
  return {
    type: "line", name, data: column(name), showSymbol: false, connectNulls: false, animation: false,
    lineStyle: { width, opacity }, itemStyle: { color: colour("--accent") }, sampling: "minmax",
  };
}

function options() {
  const { first, until, unit } = place.dataset;
  const text = { color: colour("--text-2") };
  const lines = JSON.parse(place.dataset.lines).map(({ name, level, rise }) => ({
    yAxis: rise, name, lineStyle: { color: colour(LEVELS[level]), type: "dashed" },
    label: { formatter: `${name} ${rise}`, position: "insideEndTop", color: colour("--text") },
  }));
  // Yellow on white is seen by what lies under it.
  const edges = lines.map(({ yAxis }) => ({ yAxis, lineStyle: { color: colour("--text-2"), type: "dashed", width: 3 }, label: { show: false } }));
  const average = { ...curve("average", 2, 1), markLine: { symbol: "none", silent: true, animation: false, data: [...edges, ...lines] } };
  const highest = Math.max(...lines.map((line) => line.yAxis), -Infinity);
  const lowest = Math.min(...lines.map((line) => line.yAxis), Infinity);
  return {
    animation: false,
    grid: { left: 8, right: 16, top: 16, bottom: 8, containLabel: true },
    tooltip: { trigger: "axis", confine: true, transitionDuration: 0, valueFormatter: (value) => (value === null ? "—" : `${Number(value).toFixed(2)} ${unit}`) },
    xAxis: { type: "time", min: first, max: until, axisLabel: { ...text, hideOverlap: true }, axisLine: { lineStyle: { color: colour("--line-strong") } } },
    yAxis: {
      type: "value", scale: true, axisLabel: text, splitLine: { lineStyle: { color: colour("--line") } },
      // The lines belong to the picture, however far off the values are.
      max: ({ max }) => (Number.isFinite(highest) && highest > max ? Math.ceil(highest * 1.05) : null),
      min: ({ min }) => (Number.isFinite(lowest) && lowest < min ? Math.floor(Math.min(lowest, min)) : null),
    },
    series: [curve("high", 1, 0.45), average, curve("low", 1, 0.45)],
  };
}

function draw() {
  const chart = echarts.getInstanceByDom(place) ?? echarts.init(place, null, { renderer: "canvas" });
  chart.setOption(options(), true);
  chart.resize();
}

if (place) {
  draw();
  addEventListener("resize", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea");
    if (event.key !== "t" || event.ctrlKey || event.metaKey || event.altKey || typing) return;
    table.open = !table.open;
    if (table.open) table.querySelector(".scroll").focus();
  });
}
