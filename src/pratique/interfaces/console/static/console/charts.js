/* Draws the charts of a page with Chart.js, in the colors of the style sheet, and again when the system turns dark. */
"use strict";

const drawn = new Map();

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function draw(canvas) {
  Chart.defaults.font.family = color("font");
  Chart.defaults.font.size = 13;
  const data = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
  const ink = color("ink");
  const tones = ["brand", "expired", "pending", "incomplete"];
  drawn.get(canvas)?.destroy();
  drawn.set(canvas, new Chart(canvas, {
    type: "bar",
    data: {
      labels: data.labels,
      datasets: data.series.map((series, index) => ({
        label: series.name,
        data: series.values,
        backgroundColor: color(series.tone === "incomplete" ? "chart-rest" : series.tone || tones[index % tones.length]),
        borderColor: color("paper"),
        borderWidth: data.stacked ? { right: 1 } : 0,
        maxBarThickness: 26,
      })),
    },
    options: {
      indexAxis: "y",
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      scales: {
        x: { stacked: data.stacked, beginAtZero: true, ticks: { color: ink, precision: 0 }, grid: { color: color("line") }, border: { display: false } },
        y: { stacked: data.stacked, ticks: { color: ink, autoSkip: false, callback(value) { return shortened(this.getLabelForValue(value), this.chart.width); } }, grid: { display: false }, border: { color: color("line-strong") } },
      },
      plugins: {
        legend: { position: "top", align: "start", display: data.series.length > 1, labels: { color: ink, boxWidth: 12, boxHeight: 12 } },
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
