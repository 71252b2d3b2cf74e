// Draws the plots of the traffic page with uPlot, from /live/history.
addEventListener("DOMContentLoaded", () => {
  const root = document.getElementById("plots"), note = document.getElementById("plots-say");
  if (!root || !window.uPlot) return;
  root.hidden = false;
  const language = document.documentElement.lang, PERIODS = { hour: 20000, day: 60000, week: 300000 };
  const SECONDS = { hour: 3600, day: 86400, week: 604800 };
  const STEPS = [600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800];
  const number = new Intl.NumberFormat(language, { maximumSignificantDigits: 3 });
  const write = (value) => (value == null ? "–" : number.format(value));
  const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const day = new Intl.DateTimeFormat(language, { weekday: "short", day: "numeric" });
  const moment = new Intl.DateTimeFormat(language, { weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--plot-${name}`).trim();
  let span = "hour", timer = 0, recording = null;

  const plots = [...root.querySelectorAll("[data-plot]")].map((figure) => ({
    place: figure.querySelector(".drawing"),
    title: figure.querySelector("h2").textContent,
    unit: figure.dataset.unit,
    factor: Number(figure.dataset.factor),
    series: [...figure.querySelectorAll("[data-series]")].map((one) => ({ name: one.dataset.series, label: one.textContent })),
    drawn: null,
  }));

  const ticks = (_, times) => times.map((time) => {
    const date = new Date(time * 1000);
    return (span === "week" ? day : clock).format(date);
  });

  // Before the first sample uPlot has no time of its own.
  const until = (last) => {
    const end = recording && recording.ends.length ? last : Date.now() / 1000;
    return [end - SECONDS[span], end];
  };

  const options = (plot) => {
    const axis = { stroke: colour("ink"), grid: { stroke: colour("grid"), width: 1 }, ticks: { stroke: colour("grid") } };
    return {
      width: Math.max(plot.place.clientWidth - 16, 200),
      height: 200,
      cursor: { drag: { x: false, y: false } },
      scales: { x: { range: (_, __, last) => until(last) }, y: { range: (_, least, most) => [0, Math.max(most * 1.1, 1)] } },
      axes: [{ ...axis, values: ticks, incrs: STEPS, space: 56, size: 34 }, { ...axis, values: (_, values) => values.map(write), size: 48, label: plot.unit, labelSize: 18, labelFont: "12px system-ui" }],
      series: [
        { label: "", value: (_, time) => (time == null ? "" : moment.format(new Date(time * 1000))) },
        ...plot.series.map(({ label }, index) => ({
          label,
          stroke: colour(index + 1),
          width: 1.5,
          fill: index === 0 ? colour("fill") : undefined,
          points: { show: false },
          value: (_, value) => (value == null ? "" : `${write(value)} ${plot.unit}`),
        })),
      ],
    };
  };

  const rates = (plot, { name }) => (recording.rates[name] || []).map((rate) => (rate == null ? null : rate * plot.factor));

  const describe = (plot, columns) => {
    const parts = plot.series.map(({ label }, index) => {
      const known = columns[index].filter((value) => value != null);
      const mean = known.reduce((sum, value) => sum + value, 0) / (known.length || 1);
      return root.dataset.summary.replace("{series}", label).replace("{mean}", write(mean))
        .replace("{most}", write(Math.max(0, ...known))).replace("{unit}", plot.unit);
    });
    return `${plot.title}. ${parts.join("; ")}`;
  };

  const draw = (anew) => {
    if (!recording) return;
    for (const plot of plots) {
      const columns = plot.series.map((series) => rates(plot, series));
      const data = [recording.ends, ...columns];
      if (anew && plot.drawn) { plot.drawn.destroy(); plot.drawn = null; }
      if (plot.drawn) plot.drawn.setData(data);
      else plot.drawn = new uPlot(options(plot), data, plot.place);
      const canvas = plot.drawn.root.querySelector("canvas");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", describe(plot, columns));
    }
  };

  const load = async (anew) => {
    clearTimeout(timer);
    const wanted = span;
    try {
      const answer = await fetch(`/live/history?span=${wanted}`, { cache: "no-store", signal: AbortSignal.timeout(10000) });
      if (answer.status === 401) return;
      if (!answer.ok) throw new Error(answer.status);
      const found = await answer.json();
      if (wanted !== span) return;
      recording = found;
      note.textContent = recording.ends.length ? "" : root.dataset.empty;
      draw(anew);
    } catch {
      note.textContent = root.dataset.lost;
    }
    if (!document.hidden) timer = setTimeout(load, PERIODS[span]);
  };

  for (const button of root.querySelectorAll("[data-span]")) {
    button.addEventListener("click", () => {
      span = button.dataset.span;
      for (const other of root.querySelectorAll("[data-span]")) other.setAttribute("aria-pressed", String(other === button));
      load(true);
    });
  }
  new ResizeObserver(() => {
    for (const { drawn, place } of plots) {
      const width = Math.max(place.clientWidth - 16, 200);
      if (drawn && drawn.width !== width) drawn.setSize({ width, height: 200 });
    }
  }).observe(root);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(true));
  document.addEventListener("visibilitychange", () => { if (document.hidden) clearTimeout(timer); else load(false); });
  load(true);
});
