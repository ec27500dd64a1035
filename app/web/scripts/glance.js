// Draw each table as a small chart in the page's own colours; the table stays the one to read and to follow.
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

echarts.use([BarChart, LineChart, GridComponent, CanvasRenderer]);

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function options(kind, rows) {
  const names = rows.map((row) => row.dataset.name);
  const values = rows.map((row) => (row.dataset.value === "" ? null : Number(row.dataset.value)));
  const text = { color: colour("--text-2") };
  const lines = { lineStyle: { color: colour("--line") } };
  const label = { show: kind === "bar", position: "right", color: colour("--text") };
  const category = { type: "category", data: names, axisLabel: { ...text, width: 120, overflow: "truncate" }, axisLine: lines, axisTick: { show: false } };
  const value = { type: "value", axisLabel: text, splitLine: lines, minInterval: 1 };
  const series = { type: kind, data: values, label, itemStyle: { color: colour("--accent") }, barMaxWidth: 16, symbolSize: 5, connectNulls: false };
  const grid = { left: 8, right: 40, top: 12, bottom: 4, containLabel: true };
  const still = { animation: false, grid, series: [series] };
  if (kind === "bar") return { ...still, xAxis: { ...value, show: false }, yAxis: { ...category, inverse: true } };
  return { ...still, xAxis: { ...category, boundaryGap: false }, yAxis: { ...value, min: 0, max: 100, axisLabel: { ...text, formatter: "{value}%" } } };
}

function draw() {
  for (const place of document.querySelectorAll("[data-chart]")) {
    const rows = [...document.querySelectorAll(`#${place.dataset.table} tr[data-name]`)];
    const chart = echarts.getInstanceByDom(place) ?? echarts.init(place, null, { renderer: "canvas" });
    chart.setOption(options(place.dataset.chart, rows), true);
    chart.resize();
  }
}

draw();
addEventListener("resize", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
