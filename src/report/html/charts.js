// The charts: four series and the phases below each other, one cursor and one range for all.
(() => {
  const { data, count, clock, colour, onTheme } = aftertrace;
  const group = document.getElementById("plots");
  if (!group || typeof uPlot === "undefined") { return; }

  const POINT_PX = 1.5; // room that a point of a chart needs
  const LEAST_BUCKETS = 4; // a zoom shows at least as many
  const PADDING = 0.15; // what a zoom leaves on both sides, as a part of the period
  const CONTEXT_BUCKETS = 12; // and at least as many buckets
  const LEAST_PX = 200;
  const LANE_PX = 9;
  const HEIGHT_PX = 92;
  const AXIS_PX = 26;
  const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2419200, 7257600, 31536000];

  const step = data.bucket_s * data.merged; // seconds of a point
  const length = data.series[0].values.length;
  const first = data.start + data.offset_s; // all times here are those of the page's zone
  const whole = { min: first, max: first + length * step };
  const phases = [...new Set(data.bands.map((band) => band.phase))];
  const bands = data.bands.map((band) => ({ ...band, from: band.from + data.offset_s, to: band.to + data.offset_s }));

  let range = whole;
  let mark = null; // a period that the reader points at in the timeline
  let plots = [];
  let covered = 1; // points of the series that one of the chart stands for

  // ----- what is drawn

  // The busiest of each few points where there are more than fit, the points themselves where there are not.
  const drawn = (values, width) => {
    const from = Math.max(0, Math.floor((range.min - first) / step) - 1);
    const to = Math.min(length, Math.ceil((range.max - first) / step) + 1);
    covered = Math.max(1, Math.ceil((to - from) / (width / POINT_PX)));
    const xs = [], ys = [];
    for (let at = from - (from % covered); at < to; at += covered) {
      let highest = 0;
      for (let one = at; one < Math.min(at + covered, length); one++) { highest = Math.max(highest, values[one]); }
      xs.push(first + at * step);
      ys.push(highest);
    }
    xs.push(Math.min(whole.max, first + to * step));
    ys.push(ys[ys.length - 1]);
    return [xs, ys];
  };

  const ratio = () => uPlot.pxRatio || devicePixelRatio || 1;

  // Phases behind a chart: later phases of an attack over earlier ones, flat, so that colours do not mix.
  const paintBands = (u) => {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    const order = ["recovery", "recon", "surge", "brute_force", "injection", "access", "mitigation", "degradation", "restart", "outage"];
    const back = colour("back");
    for (const phase of order) {
      const tint = colour("phase-" + phase);
      for (const band of bands) {
        if (band.phase !== phase || band.to < range.min || band.from > range.max) { continue; }
        const left = u.valToPos(band.from, "x", true);
        const width = Math.max(u.valToPos(band.to, "x", true) - left, ratio());
        ctx.globalAlpha = 1;
        ctx.fillStyle = back;
        ctx.fillRect(left, bbox.top, width, bbox.height);
        ctx.globalAlpha = band.to > band.from ? 0.2 : 0.7;
        ctx.fillStyle = tint;
        ctx.fillRect(left, bbox.top, width, bbox.height);
      }
    }
    ctx.restore();
  };

  const paintMark = (u) => {
    if (!mark) { return; }
    const { ctx, bbox } = u;
    const left = Math.max(u.valToPos(mark.from, "x", true), bbox.left);
    const right = Math.min(u.valToPos(mark.to, "x", true), bbox.left + bbox.width);
    if (right < bbox.left || left > bbox.left + bbox.width) { return; }
    ctx.save();
    ctx.strokeStyle = colour("text");
    ctx.lineWidth = 1.5 * ratio();
    ctx.strokeRect(left, bbox.top, Math.max(right - left, ratio()), bbox.height);
    ctx.restore();
  };

  const paintLanes = (u) => {
    const { ctx, bbox } = u;
    const lane = bbox.height / phases.length;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    phases.forEach((phase, at) => {
      ctx.fillStyle = colour("line");
      ctx.fillRect(bbox.left, bbox.top + (at + 0.5) * lane, bbox.width, 1);
      ctx.fillStyle = colour("phase-" + phase);
      for (const band of bands) {
        if (band.phase !== phase || band.to < range.min || band.from > range.max) { continue; }
        const left = u.valToPos(band.from, "x", true);
        const width = Math.max(u.valToPos(band.to, "x", true) - left, 3 * ratio());
        ctx.fillRect(left, bbox.top + (at + 0.12) * lane, width, 0.76 * lane);
      }
    });
    ctx.restore();
  };

  // ----- one chart

  const hourOrDay = (u, splits, axis, space, gap) => splits.map((seconds) => {
    if (seconds % 86400 === 0) { return clock(seconds, "day").slice(5); }
    return clock(seconds, gap < 60 ? "second" : "minute");
  });

  const axes = (last, quietY) => [
    {
      scale: "x", show: true, size: last ? AXIS_PX : 0, incrs: STEPS, space: 64, gap: 4,
      values: last ? hourOrDay : (u, splits) => splits.map(() => ""),
      font: "12px " + getComputedStyle(document.body).fontFamily,
      stroke: () => colour("quiet"),
      grid: { stroke: () => colour("line"), width: 1 / ratio() },
      ticks: { show: last, stroke: () => colour("line"), size: 4, width: 1 },
    },
    {
      scale: "y", size: 52, space: 26, gap: 4, incrs: quietY ? undefined : [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7, 1e8, 1e9],
      values: quietY ? (u, splits) => splits.map(() => "") : (u, splits) => splits.map(short),
      font: "12px " + getComputedStyle(document.body).fontFamily,
      stroke: () => colour("quiet"),
      grid: { show: !quietY, stroke: () => colour("line"), width: 1 / ratio() },
      ticks: { show: false },
    },
  ];

  const short = (value) => {
    if (value >= 1e6) { return value / 1e6 + "M"; }
    return value >= 1e4 ? value / 1e3 + "k" : String(value);
  };

  const options = (name, width, height, last) => {
    const lanes = name === "phases";
    return {
      width, height,
      padding: [9, 18, last ? 0 : 4, 0],
      legend: { show: false },
      scales: {
        x: { time: false, range: () => [range.min, range.max] },
        y: { range: lanes ? [0, 1] : (u, min, max) => [0, Math.max(1, max * 1.08)] },
      },
      axes: axes(last, lanes),
      series: [
        {},
        lanes ? { scale: "y", show: true, width: 0, points: { show: false } } : {
          scale: "y", width: 1.25, points: { show: false },
          paths: uPlot.paths.stepped({ align: 1 }),
          stroke: () => colour("series-" + name),
          fill: () => colour("series-" + name).replace(/^rgb\((.*)\)$/, "rgba($1, 0.22)"),
        },
      ],
      cursor: {
        y: false,
        points: { show: !lanes, size: 7, fill: () => colour("series-" + name), stroke: () => colour("back"), width: 1 },
        drag: { x: true, y: false, setScale: false },
        sync: { key: "aftertrace", scales: ["x", null] },
        bind: { dblclick: () => () => show(whole) },
      },
      hooks: {
        drawClear: [lanes ? () => {} : paintBands],
        draw: [lanes ? paintLanes : () => {}, paintMark],
        setSelect: [(u) => selected(u)],
        setCursor: [(u) => told(u, name)],
      },
    };
  };

  const selected = (u) => {
    const { left, width } = u.select;
    if (width < 3) { return; }
    const min = u.posToVal(left, "x"), max = u.posToVal(left + width, "x");
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    show({ min, max });
  };

  // ----- what is told in words

  const readout = document.getElementById("readout");
  const zoomOut = document.getElementById("zoom-out");
  const covers = document.getElementById("covers");

  const phasesAt = (from, to) => {
    const there = bands.filter((band) => band.from < to && band.to >= from);
    return [...new Set(there.map((band) => band.title))].join(", ");
  };

  const span = (min, max) => {
    const [from, to] = [clock(min, "all"), clock(max, "all")];
    return from.slice(0, 10) === to.slice(0, 10) ? from + " – " + to.slice(11) : from + " – " + to;
  };

  const told = (u, name) => {
    const plot = plots.find((one) => one.u === u);
    if (!plot) { return; }
    const at = u.cursor.idx;
    const there = at !== null && at !== undefined && u.cursor.left >= 0;
    if (plot.value) {
      const highest = Math.max(0, ...u.data[1]);
      plot.value.textContent = there ? count(u.data[1][at]) + data.unit : "at most " + count(highest) + data.unit;
    }
    if (name !== "requests") { return; }
    if (!there) {
      readout.textContent = span(range.min, range.max) + " " + data.zone;
      return;
    }
    const from = u.data[0][at];
    const inside = phasesAt(from, from + covered * step);
    readout.textContent = clock(from, "all") + " " + data.zone + (inside ? " · " + inside : "");
  };

  const spoken = document.getElementById("spoken");
  const speak = () => {
    const values = plots.filter((plot) => plot.value).map((plot) => plot.title + " " + plot.value.textContent);
    spoken.textContent = readout.textContent + ". " + values.join(", ");
  };

  // ----- zoom

  const show = ({ min, max }) => {
    const least = LEAST_BUCKETS * step;
    const middle = (min + max) / 2;
    if (max - min < least) { min = middle - least / 2; max = middle + least / 2; }
    min = Math.max(whole.min, min);
    max = Math.min(whole.max, max);
    range = max - min < Math.min(least, whole.max - whole.min) * 0.99 ? whole : { min, max };
    refresh();
  };

  const period = (from, to) => {
    const around = Math.max((to - from) * PADDING, CONTEXT_BUCKETS * step);
    show({ min: from - around, max: to + around });
  };

  const refresh = () => {
    for (const plot of plots) {
      plot.u.setData(plot.values ? drawn(plot.values, plot.u.width) : [[range.min, range.max], [0, 0]]);
      plot.u.setCursor({ left: -10, top: -10 }, true);
    }
    zoomOut.disabled = range.min <= whole.min && range.max >= whole.max;
    const buckets = covered * data.merged;
    covers.textContent = buckets === 1
      ? "Each step is a " + data.bucket + "."
      : "Each step covers " + lasting(buckets * data.bucket_s) + " and shows its busiest " + data.bucket + (covered > 1 ? "; zoom in for more." : ".");
  };

  // A duration in its two leading units, as the rest of the page writes it.
  const lasting = (total) => {
    const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
    const at = units.findIndex(([size]) => total >= size);
    const told = units.slice(at, at + 2).map(([size, unit], place) => [Math.floor(place ? (total % units[at][0]) / size : total / size), unit]);
    return told.filter(([number]) => number > 0).map(([number, unit]) => number + " " + unit).join(" ");
  };

  const redraw = () => plots.forEach((plot) => plot.u.redraw(false));

  // ----- building, and what the reader does

  const build = (paper) => {
    for (const plot of plots) { plot.u.destroy(); }
    plots = [];
    const frames = [...group.querySelectorAll("figure")].filter((frame) => frame.dataset.plot !== "phases" || phases.length);
    group.querySelector(".phases").hidden = !phases.length;
    frames.forEach((frame, at) => {
      const name = frame.dataset.plot;
      const place = frame.querySelector(".plot");
      const last = at === frames.length - 1;
      const height = (name === "phases" ? Math.max(2, phases.length) * LANE_PX + 8 : HEIGHT_PX) + (last ? AXIS_PX : 0);
      const series = data.series.find((one) => one.name === name);
      const plot = { values: series && series.values, value: frame.querySelector(".value"), title: frame.dataset.title };
      const width = paper || Math.max(place.clientWidth, LEAST_PX);
      const points = plot.values ? drawn(plot.values, width) : [[range.min, range.max], [0, 0]];
      plot.u = new uPlot(options(name, width, height, last), points, place);
      plots.push(plot);
    });
    refresh();
  };

  const resize = (width) => {
    for (const plot of plots) {
      if (plot.u.width !== width) { plot.u.setSize({ width, height: plot.u.height }); }
    }
    refresh();
  };

  const keys = {
    ArrowLeft: (fast) => move(fast ? -10 : -1),
    ArrowRight: (fast) => move(fast ? 10 : 1),
    Home: () => move(-Infinity),
    End: () => move(Infinity),
    "+": () => scale(0.5),
    "=": () => scale(0.5),
    "-": () => scale(2),
    Escape: () => show(whole),
    0: () => show(whole),
  };

  const move = (by) => {
    const { u } = plots[0];
    const last = u.data[0].length - 2;
    const now = u.cursor.idx === null || u.cursor.idx === undefined ? (by > 0 ? -1 : last + 1) : u.cursor.idx;
    const at = Math.min(last, Math.max(0, now + by));
    u.setCursor({ left: u.valToPos(u.data[0][at], "x") + 0.5, top: 1 }, true, true);
  };

  const scale = (by) => {
    const { u } = plots[0];
    const at = u.cursor.left >= 0 ? u.posToVal(u.cursor.left, "x") : (range.min + range.max) / 2;
    show({ min: at - (at - range.min) * by, max: at + (range.max - at) * by });
  };

  group.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (!act || event.target !== group || event.ctrlKey || event.metaKey || event.altKey) { return; }
    event.preventDefault();
    act(event.shiftKey);
    speak();
  });
  zoomOut.addEventListener("click", () => show(whole));

  const seconds = (element) => ({ from: Number(element.dataset.from) + data.offset_s, to: Number(element.dataset.to) + data.offset_s });
  for (const entry of document.querySelectorAll("details.step")) {
    const { from, to } = seconds(entry);
    const point = () => { mark = { from, to }; redraw(); };
    const leave = () => { mark = null; redraw(); };
    entry.addEventListener("pointerenter", point);
    entry.addEventListener("pointerleave", leave);
    entry.addEventListener("focusin", point);
    entry.addEventListener("focusout", leave);
    entry.querySelector("summary").addEventListener("click", () => {
      if (!entry.open) { period(from, to); }
    });
  }
  for (const button of document.querySelectorAll("button.zoom")) {
    button.addEventListener("click", () => {
      const { from, to } = seconds(button);
      period(from, to);
      document.getElementById("charts").scrollIntoView();
    });
  }

  build();
  onTheme(() => build());
  new ResizeObserver(([entry]) => resize(Math.max(LEAST_PX, Math.floor(entry.contentRect.width)))).observe(plots[0].u.root.parentElement);

  // Paper is light, and narrower than most screens.
  const PAPER_PX = 688; // A4 without the margins of the style sheet
  addEventListener("beforeprint", () => {
    document.documentElement.style.colorScheme = "light";
    build(PAPER_PX);
  });
  addEventListener("afterprint", () => {
    document.documentElement.style.colorScheme = "";
    build();
  });
})();
