// Draws the plots of one meter with uPlot, from the API: a series that is chosen, and the time that readouts took.
addEventListener("DOMContentLoaded", () => {
  const root = document.getElementById("plots"), note = document.getElementById("plots-say"), choice = document.getElementById("series");
  if (!root || !window.uPlot) return;
  root.hidden = false;
  const language = document.documentElement.lang, base = `/api/v1/meters/${root.dataset.meter}`, DAY = 86400;
  const number = new Intl.NumberFormat(language, { maximumSignificantDigits: 6 });
  const write = (value) => (value == null ? "–" : number.format(value));
  const zone = { timeZone: "UTC", hourCycle: "h23" };
  const clock = new Intl.DateTimeFormat(language, { ...zone, hour: "2-digit", minute: "2-digit" });
  const day = new Intl.DateTimeFormat(language, { ...zone, day: "numeric", month: "short" });
  const moment = new Intl.DateTimeFormat(language, { ...zone, dateStyle: "medium", timeStyle: "short" });
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--plot-${name}`).trim();
  // The clock of the device, which may not be that of the browser.
  const now = () => Number(root.dataset.now) + performance.now() / 1000;
  let span = Number(root.querySelector("[data-span]").dataset.span), until = 0, asked = 0;

  const plots = [...root.querySelectorAll("[data-plot]")].map((figure, index) => ({
    name: figure.dataset.plot, place: figure.querySelector(".drawing"), title: figure.querySelector("h2").textContent,
    colour: index + 1, data: null, unit: "", label: "", drawn: null,
  }));

  const bounds = (least, most, isWhole) => {
    if (least == null) return [0, 1];
    const room = (most - least) * 0.1 || Math.abs(most) * 0.01 || 1;
    return isWhole ? [0, most * 1.1 || 1] : [least - room, most + room];
  };

  const options = (plot) => {
    const axis = { stroke: colour("ink"), grid: { stroke: colour("grid"), width: 1 }, ticks: { stroke: colour("grid") } };
    return {
      width: Math.max(plot.place.clientWidth - 16, 200), height: 220,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
      cursor: { drag: { x: false, y: false } },
      scales: { x: { range: () => [until - span, until + span * 0.02] }, y: { range: (_, least, most) => bounds(least, most, plot.name === "health") } },
      axes: [
        { ...axis, space: 56, size: 34, values: (_, times) => times.map((time) => (span > DAY ? day : clock).format(new Date(time * 1000))) },
        { ...axis, size: (_, values) => 24 + 7 * Math.max(3, ...(values || []).map((one) => one.length)), values: (_, values) => values.map(write), label: plot.unit, labelSize: 18, labelFont: "12px system-ui" },
      ],
      series: [
        { label: "", value: (_, time) => (time == null ? "" : moment.format(new Date(time * 1000))) },
        { label: plot.label, stroke: colour(plot.colour), width: 1.5, points: { show: plot.data[0].length < 60, size: 6 }, value: (_, value) => (value == null ? "" : `${write(value)} ${plot.unit}`) },
      ],
    };
  };

  const draw = (plot) => {
    if (!plot.data) return;
    if (plot.drawn) plot.drawn.destroy();
    plot.drawn = new uPlot(options(plot), plot.data, plot.place);
    const known = plot.data[1].filter((value) => value != null), canvas = plot.drawn.root.querySelector("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${plot.title}. ${root.dataset.summary.replace("{series}", plot.label)
      .replace("{mean}", write(known.reduce((sum, value) => sum + value, 0) / (known.length || 1)))
      .replace("{most}", write(Math.max(...known, -Infinity))).replace("{unit}", plot.unit)}`);
  };

  const ask = async (path) => {
    const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(20000) });
    if (!answer.ok) throw new Error(answer.status);
    return answer.json();
  };

  const load = async () => {
    const turn = ++asked, chosen = choice.selectedOptions[0], end = now();
    const period = `since=${new Date((end - span) * 1000).toISOString()}&until=${new Date(end * 1000).toISOString()}`;
    try {
      const [values, health] = await Promise.all([ask(`${base}/series/${chosen.value}?${period}`), ask(`${base}/health?${period}`)]);
      if (turn !== asked) return;
      until = end;
      note.textContent = values.values.length ? "" : root.dataset.empty;
      Object.assign(plots[0], { unit: chosen.dataset.unit, label: chosen.textContent, data: [values.values.map((one) => one.at), values.values.map((one) => Number(one.value))] });
      Object.assign(plots[1], { unit: "s", label: plots[1].title, data: [health.readouts.map((one) => one.at), health.readouts.map((one) => one.seconds)] });
      plots.forEach(draw);
    } catch {
      if (turn === asked) note.textContent = root.dataset.lost;
    }
  };

  for (const button of root.querySelectorAll("[data-span]")) {
    button.addEventListener("click", () => {
      span = Number(button.dataset.span);
      for (const other of root.querySelectorAll("[data-span]")) other.setAttribute("aria-pressed", String(other === button));
      load();
    });
  }
  choice.addEventListener("change", load);
  new ResizeObserver(() => {
    for (const { drawn, place } of plots) {
      const width = Math.max(place.clientWidth - 16, 200);
      if (drawn && drawn.width !== width) drawn.setSize({ width, height: 220 });
    }
  }).observe(root);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plots.forEach(draw));
  load();
});
