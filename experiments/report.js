"use strict";
// The page's figures, and the cell behind a point that is clicked. Data comes as text only: no markup is made of it.
const data = JSON.parse(document.getElementById("data").textContent);
const CONFIG = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
const STATES = ["arrived", "recovered", "late", "lost"];
// Packets that leave together hide each other; those of each state stand at a height of their own in their lane.
const STATE_HEIGHTS = [0.15, 0.05, -0.05, -0.2];
const STATE_COLOURS = ["#9aa5b1", "#009e73", "#e69f00", "#d55e00"];
const OUTCOMES = { w: ["whole", "#9aa5b1"], c: ["concealed", "#e69f00"], f: ["frozen", "#d55e00"], g: ["grey", "#000000"] };

function element(kind, text = "", attributes = {}) {
  const made = document.createElement(kind);
  made.textContent = text;
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  return made;
}

async function loadPlotly() {
  const packed = atob(document.getElementById("plotly").textContent.trim());
  const bytes = Uint8Array.from(packed, letter => letter.charCodeAt(0));
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  document.head.append(element("script", await new Response(unpacked).text()));
}

async function drawFigures() {
  const places = [...document.querySelectorAll(".figure")];
  for (const place of places) {
    const figure = data.figures[Number(place.dataset.figure)];
    await Plotly.react(place, figure.data, figure.layout, CONFIG);
    if (!place.dataset.ready) {
      place.on("plotly_click", event => {
        const cells = event.points[0].customdata;
        if (cells) choose(String(cells).split(" "));
      });
    }
    place.dataset.ready = "yes";
  }
}

function choose(cells) {
  const select = document.getElementById("which");
  select.replaceChildren(...cells.map((id, i) => element("option", `${i + 1} of ${cells.length}: ${id}`, { value: id })));
  select.parentElement.hidden = cells.length < 2;
  showCell(cells.find(id => data.cells[id]) ?? cells[0]);
}

async function find(id) {
  if (data.cells[id]) return { view: data.cells[id], clip: data.clips[data.cells[id].clip] };
  if (!data.live) throw new Error("This cell is not in the page. `lossweep serve DIR` shows every cell of a sweep.");
  const answer = await fetch(`cell/${id}.json`);
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

async function showCell(id) {
  const panel = document.getElementById("cell"), body = document.getElementById("cell-body");
  document.getElementById("which").value = id;
  panel.hidden = false;
  panel.dataset.cell = "";
  body.replaceChildren(element("p", "The cell is computed again ..."));
  try {
    const { view, clip } = await find(id);
    body.replaceChildren();
    draw(body, view, clip);
  } catch (error) {
    body.replaceChildren(element("p", error.message, { class: "warning" }));
  }
  panel.dataset.cell = id;
}

function draw(body, view, clip) {
  body.append(element("h3", view.title));
  if (view.note) body.append(element("p", view.note, { class: "warning" }));
  const recording = document.getElementById(`film-${view.cell}`);
  const source = view.film || (recording ? recording.getAttribute("src") : "");
  if (source) {
    const kind = view.film_kind || recording.tagName.toLowerCase();
    body.append(element(kind, "", { src: source, controls: "", playsinline: "" }));
  }
  if (view.frames.length) body.append(strip("original", clip.frames), strip("shown", view.frames));
  if (view.words.length) body.append(words(view.words));
  if (view.packets || view.sound) {
    body.append(element("h4", "Packets, frames and sound in time"));
    const place = element("div", "", { class: "timeline" });
    body.append(place);
    timeline(place, view, clip);
  }
  const values = element("table");
  view.values.forEach(([label, value]) => {
    const row = element("tr");
    row.append(element("td", label), element("td", value));
    values.append(row);
  });
  const more = element("details");
  more.append(element("summary", "All values of this cell"), values);
  body.append(more, element("p", `cell ${view.cell}`, { class: "note" }));
}

function strip(name, frames) {
  const row = element("div", "", { class: "frames" });
  row.append(element("span", name));
  frames.forEach(frame => {
    const one = element("figure");
    one.append(element("img", "", { src: frame.data, alt: `${name}, ${frame.note}` }), element("small", frame.note, { class: frame.note }));
    row.append(one);
  });
  return row;
}

function words(pairs) {
  const text = element("p", "", { class: "words" });
  let lost = 0;
  pairs.forEach(([sent, shown]) => {
    if (shown === sent) text.append(element("span", sent));
    else {
      lost += 1;
      text.append(element("del", sent));
      if (shown !== null) text.append(" ", element("ins", shown));
    }
    text.append(" ");
  });
  const block = element("div");
  block.append(element("h4", `Words: ${pairs.length - lost} of ${pairs.length} as they were sent`), text);
  return block;
}

function timeline(place, view, clip) {
  const traces = [], lanes = view.packets ? [...view.packets.lanes] : [];
  const order = [...(view.outcomes ? ["frames"] : []), ...[...lanes].reverse()];
  if (view.packets) {
    STATES.forEach((state, number) => {
      const at = view.packets.state.map((value, i) => (value === number ? i : -1)).filter(i => i >= 0);
      if (!at.length) return;
      traces.push({
        type: "scatter", mode: "markers", name: `${state} (${at.length})`,
        x: at.map(i => view.packets.sent_ms[i] / 1000), y: at.map(i => order.indexOf(lanes[view.packets.lane[i]]) + STATE_HEIGHTS[number]),
        marker: { symbol: "line-ns-open", size: 9, color: STATE_COLOURS[number], line: { width: 2 } },
        text: at.map(i => `${state}, sent at ${view.packets.sent_ms[i]} ms, ${view.packets.size_bytes[i]} bytes` +
          (view.packets.delay_ms[i] === null ? "" : `, arrived after ${view.packets.delay_ms[i]} ms`)),
        hovertemplate: "%{text}<extra></extra>",
      });
    });
  }
  if (view.outcomes) {
    Object.entries(OUTCOMES).forEach(([letter, [name, colour]]) => {
      const at = [...view.outcomes].map((one, i) => (one === letter ? i : -1)).filter(i => i >= 0);
      if (!at.length) return;
      traces.push({
        type: "scatter", mode: "markers", name: `frame ${name} (${at.length})`, x: at.map(i => i / view.fps), y: at.map(() => 0),
        marker: { symbol: "square", size: 6, color: colour }, hovertemplate: `frame ${name} at %{x:.2f} s<extra></extra>`,
      });
    });
  }
  const sounds = [[clip && clip.sound, "original sound", "#c4c4c4"], [view.sound, "sound heard", "#0072b2"]].filter(([wave]) => wave);
  const heard = view.sound !== null;
  if (heard) {
    sounds.forEach(([wave, name, colour]) => {
      const x = wave.low.map((_, i) => (i + 0.5) * wave.seconds / wave.low.length);
      traces.push({
        type: "scatter", mode: "lines", name, x: [...x, ...[...x].reverse()], y: [...wave.high, ...[...wave.low].reverse()],
        fill: "toself", fillcolor: colour, line: { width: 0.5, color: colour }, hoverinfo: "skip", yaxis: "y2",
      });
    });
  }
  const split = heard ? (order.length ? 0.45 : 1) : 0;
  Plotly.newPlot(place, traces, {
    height: 130 + 34 * order.length + (heard ? 130 : 0), margin: { l: 110, r: 10, t: 10, b: 40 },
    xaxis: { title: { text: "time / s" }, zeroline: false, anchor: heard ? "y2" : "y" },
    yaxis: { domain: [split ? split + 0.06 : 0, 1], tickvals: order.map((_, i) => i), ticktext: order, range: [-0.6, order.length - 0.4], zeroline: false, visible: order.length > 0 },
    yaxis2: { domain: [0, split], visible: false, range: [-105, 105] },
    legend: { orientation: "h", y: 1.02, yanchor: "bottom" }, plot_bgcolor: "white", font: { family: "system-ui, sans-serif", size: 12 },
  }, { ...CONFIG, displayModeBar: false });
}

// Takes figures, tables and captions from a newer page; what the reader has open stays.
async function renew(page) {
  const figures = JSON.parse(page.getElementById("data").textContent).figures;
  if (figures.length !== document.querySelectorAll(".figure").length) return location.reload();
  document.querySelectorAll("[data-part]").forEach(old => {
    const part = page.querySelector(`[data-part="${old.dataset.part}"]`);
    if (!part) return;
    const at = [...old.querySelectorAll(".long")].map(box => box.scrollTop);
    old.replaceWith(document.adoptNode(part));
    part.querySelectorAll(".long").forEach((box, i) => { box.scrollTop = at[i] ?? 0; });
  });
  data.figures = figures;
  await drawFigures();
}

async function follow() {
  const line = document.getElementById("status");
  let seen = Number(line.dataset.done);
  for (;;) {
    await new Promise(resolve => setTimeout(resolve, 5000));
    try {
      const status = await (await fetch("status.json")).json();
      line.textContent = status.text;
      if (status.done !== seen) {
        seen = status.done;
        await renew(new DOMParser().parseFromString(await (await fetch("./")).text(), "text/html"));
      }
    } catch {
      line.textContent = "The server does not answer.";
    }
  }
}

const closeCell = () => { document.getElementById("cell").hidden = true; };
document.getElementById("close").addEventListener("click", closeCell);
document.addEventListener("keydown", event => { if (event.key === "Escape") closeCell(); });
document.getElementById("which").addEventListener("change", event => showCell(event.target.value));
loadPlotly().then(drawFigures).then(() => {
  document.body.dataset.ready = "yes";
  if (data.live) follow();
});
