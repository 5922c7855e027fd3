/* Draws the charts of a page with Chart.js, in the colors of the style sheet, and again when the system turns dark. */
"use strict";

const drawn = new Map();

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

// A line stands for a time or a share that moves; bars lie down, so that their names can be read.
function shapeOf(data) {
  return { line: data.kind === "line", stacked: data.kind === "stacked_bar" };
}

// Bars need room for each name; what would be longer than the window scrolls.
function makeRoom(canvas, data) {
  const box = canvas.parentElement;
  const rows = data.labels.length * (data.kind === "bar" && data.series.length > 1 ? 22 * data.series.length : 30);
  box.style.height = shapeOf(data).line ? "320px" : `${Math.max(160, rows + 90)}px`;
  if (rows > 470 && !box.parentElement.matches(".chart-scroll")) {
    const frame = document.createElement("div");
    frame.className = "chart-scroll";
    frame.tabIndex = 0;
    frame.setAttribute("role", "region");
    frame.setAttribute("aria-label", canvas.getAttribute("aria-label"));
    box.before(frame);
    frame.append(box);
  }
}

// A series that stands for no status gets a color that none beside it has.
function toneOf(series, data) {
  // What is left over stands back as an area, and must be seen as a line.
  if (series.tone) return series.tone === "incomplete" && !shapeOf(data).line ? "chart-rest" : series.tone;
  const taken = new Set(data.series.map((one) => one.tone));
  const spare = ["brand", "expired", "pending", "ink-soft", "rejected", "approved", "flag", "ink"].filter((one) => !taken.has(one));
  return spare[data.series.filter((one) => !one.tone).indexOf(series) % spare.length];
}

function dataset(series, index, data) {
  const tone = color(toneOf(series, data));
  const shape = shapeOf(data);
  const common = { label: series.name, data: series.values, backgroundColor: tone };
  if (shape.line) {
    // A dash for each line besides the colors: they are told apart without them.
    const dashes = [[], [6, 4], [2, 3], [10, 4, 2, 4]];
    return { ...common, borderColor: tone, borderWidth: 2, borderDash: dashes[index % 4], pointRadius: data.labels.length > 40 ? 0 : 2, tension: 0 };
  }
  return { ...common, borderColor: color("paper"), borderWidth: shape.stacked ? { right: 1 } : 0, maxBarThickness: 26 };
}

function draw(canvas) {
  Chart.defaults.font.family = color("font");
  Chart.defaults.font.size = 13;
  const data = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
  const ink = color("ink");
  const { line, stacked } = shapeOf(data);
  makeRoom(canvas, data);
  drawn.get(canvas)?.destroy();
  const values = { stacked, beginAtZero: true, ticks: { color: ink, precision: 0 }, grid: { color: color("line") }, border: { display: false } };
  const names = { stacked, ticks: { color: ink, autoSkip: line, maxRotation: 0, autoSkipPadding: 16 }, grid: { display: false }, border: { color: color("line-strong") } };
  if (!line) names.ticks.callback = function (value) { return shortened(this.getLabelForValue(value), this.chart.width); };
  drawn.set(canvas, new Chart(canvas, {
    type: line ? "line" : "bar",
    data: { labels: data.labels, datasets: data.series.map((series, index) => dataset(series, index, data)) },
    options: {
      indexAxis: line ? "x" : "y",
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      scales: line ? { x: names, y: values } : { x: values, y: names },
      plugins: {
        legend: { position: "top", align: "start", display: data.series.length > 1, labels: { color: ink, boxWidth: line ? 28 : 12, boxHeight: line ? 2 : 12 } },
        tooltip: { mode: "index", intersect: false },
      },
    },
  }));
}

// Chart.js gives labels half of the width and cuts them at their beginning; about 7 pixels go to a letter.
function shortened(text, width) {
  const longest = Math.min(28, Math.floor(width / 2 / 7));
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}

function drawAll() {
  for (const canvas of drawn.keys()) if (!canvas.isConnected) drawn.delete(canvas);
  document.querySelectorAll("canvas[data-chart]").forEach(draw);
}

document.addEventListener("DOMContentLoaded", drawAll);
document.addEventListener("htmx:after:settle", drawAll);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
