// The page: what its data says, in words, charts and tables. Nothing in the data is trusted: it becomes text, numbers
// and positions.
"use strict";

(() => {
  const {element, table} = Tables;
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);

  window.addEventListener("error", (event) => {
    at("failure").textContent = `This page could not be drawn completely: ${event.message}`;
    at("failure").hidden = false;
    document.body.dataset.state = "failed";
  });

  // ---- texts

  const counted = (number, one, many) => `${whole(number)} ${number === 1 ? one : many}`;
  function whole(number) {
    return Math.round(number).toLocaleString("en");
  }
  // Three digits that count: "0.42", "17.3", "1,250".
  function short(number) {
    if (number === 0) return "0";
    return number >= 100 ? whole(number) : String(Number(number.toPrecision(3)));
  }
  // For axes: "15k", "2M".
  function compact(number) {
    for (const [size, unit] of [
      [1e9, "G"],
      [1e6, "M"],
      [1e3, "k"],
    ]) {
      if (number >= size) return Number((number / size).toPrecision(3)) + unit;
    }
    return String(Number(number.toPrecision(3)));
  }
  function durationText(ms) {
    if (ms < 1e3) return `${short(ms)} ms`;
    for (const [large, small, unit, rest] of [
      [864e5, 36e5, "d", "h"],
      [36e5, 6e4, "h", "min"],
      [6e4, 1e3, "min", "s"],
    ]) {
      if (ms < 2 * large) continue;
      const smalls = Math.round(ms / small);
      const ratio = large / small;
      return `${whole(Math.floor(smalls / ratio))} ${unit}` + (smalls % ratio ? ` ${smalls % ratio} ${rest}` : "");
    }
    return `${short(ms / 1e3)} s`;
  }
  const waitText = (us) => (us < 1e3 ? `${short(us)} \u00b5s` : durationText(us / 1e3));
  // With three or six digits of the second.
  function instantText(us, digits = 6) {
    const ms = Math.floor(us / 1e3);
    const rest = digits === 3 ? "" : String(us - ms * 1e3).padStart(3, "0");
    return `${Charts.dateText(ms)} ${Charts.clockText(ms, 1)}${rest}`;
  }
  const addressText = (address, port) => (address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`);
  const listenerName = (listener) => `${listener.comm || "(no name)"} ${addressText(listener.saddr, listener.sport)}`;

  // ---- the top

  const names = data.inputs.join(", ") + (data.moreInputs ? ` and ${whole(data.moreInputs)} more` : "");
  at("title").textContent = `TCP accepts: ${names}`;
  at("program").textContent = data.program;
  const hosts = [
    ...new Set(
      data.sessions
        .flatMap((session) => session.facts)
        .filter(([name]) => name === "host")
        .map(([, value]) => value)
        .filter((host) => host !== "not recorded" && !host.startsWith("unknown:")),
    ),
  ];
  const [verdict, colour] = !data.complete
    ? ["incomplete", "bad"]
    : data.proved
      ? ["complete", "good"]
      : ["completeness not known", ""];
  at("summary").append(
    element("span", {className: `badge ${colour}`, textContent: verdict}),
    " ",
    hosts.length ? `Recorded on ${hosts.slice(0, 3).join(", ")}${hosts.length > 3 ? " and others" : ""}. ` : "",
    data.filtered ? "Filtered: a part of what was recorded. " : "",
  );

  function tile(label, value, note) {
    at("tiles").append(
      element(
        "div",
        {},
        element("dt", {textContent: label}),
        element("dd", {}, value, ...(note ? [element("small", {textContent: note})] : [])),
      ),
    );
  }

  if (data.findings.length) {
    at("findings").hidden = false;
    at("finding-list").append(...data.findings.map((line) => element("li", {textContent: line})));
  }

  // ---- how it was recorded

  for (const [index, session] of data.sessions.entries()) {
    const facts = element("dl", {className: "facts"});
    for (const [name, value] of session.facts) {
      facts.append(element("dt", {textContent: name}), element("dd", {textContent: value}));
    }
    at("sessions").append(
      element("details", {open: index === 0}, element("summary", {textContent: session.title}), facts),
    );
  }
  at("sessions").append(...data.notes.map((line) => element("p", {className: "hint", textContent: line})));
  if (data.moreSessions) {
    at("sessions").append(
      element("p", {
        className: "hint",
        textContent: `${counted(data.moreSessions, "more recording is", "more recordings are")} not described here.`,
      }),
    );
  }

  if (data.accepts === 0) {
    tile("Accepts", "0", data.filtered ? "that match the filter" : "");
    for (const id of ["time", "listeners", "addresses", "networks", "rows"]) at(id).hidden = true;
    Object.assign(document.body.dataset, {state: "drawn", accepts: 0, bars: 0, listeners: 0, rows: 0, bands: 0});
    return;
  }

  // ---- the span of time

  const bins = {...data.bins, count: data.bins.accepts.length};
  const coarse = data.coarse;
  const bands = data.bands.map((band) => ({...band, begin: band.begin / 1e3, end: band.end / 1e3}));
  const accepted = {begin: data.first / 1e3, end: data.last / 1e3};
  const everything = (() => {
    // Stretches where accepts are missing belong to the picture, unless a damaged file puts them years away.
    const reach = Math.max(accepted.end - accepted.begin, 1e4);
    let {begin, end} = {begin: bins.begin, end: bins.begin + bins.count * bins.width};
    for (const band of bands) {
      begin = Math.min(begin, Math.max(band.begin, accepted.begin - reach));
      end = Math.max(end, Math.min(band.end, accepted.end + reach));
    }
    return {begin, end: Math.max(end, begin + 20 * bins.width)};
  })();
  let span = everything;

  function show(begin, end) {
    const length = Math.min(Math.max(end - begin, 8 * bins.width), everything.end - everything.begin);
    const middle = (begin + end) / 2;
    begin = Math.max(everything.begin, Math.min(middle - length / 2, everything.end - length));
    span = {begin, end: begin + length};
    draw();
  }
  const showWhole = () => show(everything.begin, everything.end);
  const zoom = (factor) => {
    const middle = (span.begin + span.end) / 2;
    const half = ((span.end - span.begin) / 2) * factor;
    show(middle - half, middle + half);
  };
  const move = (share) => {
    const by = (span.end - span.begin) * share;
    show(span.begin + by, span.end + by);
  };
  at("zoom-in").addEventListener("click", () => zoom(0.5));
  at("zoom-out").addEventListener("click", () => zoom(2));
  at("earlier").addEventListener("click", () => move(-0.5));
  at("later").addEventListener("click", () => move(0.5));
  at("whole").addEventListener("click", showWhole);

  // ---- what the charts show

  const positive = {range: (_, min, max) => [0, max > 0 ? max * 1.05 : 1]};
  const barsOf = (pixels) => Math.max(40, Math.min(240, Math.floor(pixels / 5)));
  const bars = uPlot.paths.bars({size: [1, Infinity, 1], align: 1, gap: 0});
  const filled = (name) => ({
    paths: bars,
    fill: Charts.color(name),
    stroke: Charts.color(name),
    width: 0,
    points: {show: false},
  });
  // Only what has no neighbour to draw a line to is drawn as a point.
  const lonely = (plot, series) =>
    plot.data[series].flatMap((value, i, values) =>
      value != null && values[i - 1] == null && values[i + 1] == null ? [i] : [],
    );
  const line = (name, dash) => ({
    stroke: Charts.color(name),
    width: 1.5,
    dash,
    spanGaps: false,
    points: {show: true, filter: lonely, size: 5, fill: Charts.color(name), stroke: Charts.color(name), width: 0},
  });
  let barMs = 0; // of the rate chart
  let rateBars = [];

  function buildRate(now, pixels) {
    const width = Charts.barWidth(now.end - now.begin, bins.width, barsOf(pixels));
    const counts = [];
    const seconds = Charts.regroup(bins, now, width, (bar, bin) => {
      counts[bar] = (counts[bar] || 0) + bins.accepts[bin];
    });
    const rates = seconds.map((_, bar) => ((counts[bar] || 0) * 1e3) / width);
    barMs = width;
    rateBars = seconds
      .map((second, bar) => ({begin: second * 1e3, count: counts[bar] || 0, rate: rates[bar]}))
      .filter((bar) => bar.begin + width > now.begin && bar.begin < now.end);
    const sum = rateBars.reduce((total, bar) => total + bar.count, 0);
    const peak = rateBars.reduce((most, bar) => (bar.rate > most.rate ? bar : most), {rate: 0, begin: now.begin});
    return {
      data: [seconds, rates],
      scale: positive,
      axis: compact,
      series: [filled("series-0")],
      width,
      legend: [
        {
          label: `${durationText(width)} a bar`,
          color: "series-0",
          values: rates,
          format: (rate) => `${short(rate)}/s (${counted((rate * width) / 1e3, "accept", "accepts")})`,
        },
      ],
      text:
        `Bar chart: ${counted(sum, "accept", "accepts")} between ${instantText(Math.round(now.begin) * 1e3)} and ` +
        `${instantText(Math.round(now.end) * 1e3)} UTC; at most ${short(peak.rate)} per second, at ${instantText(Math.round(peak.begin) * 1e3)}.`,
    };
  }

  // The busiest listeners, each in a colour of its own; the others in one.
  const COLORS = 8;
  const charted = data.listeners.filter((listener) => listener.series);
  let alone = null; // the only listener that is shown, if one was picked

  function buildListeners(now, pixels) {
    const width = Charts.barWidth(now.end - now.begin, coarse.width, barsOf(pixels));
    const sumOf = (values) => {
      const sums = [];
      const seconds = Charts.regroup(coarse, now, width, (bar, bin) => {
        sums[bar] = (sums[bar] || 0) + values[bin];
      });
      return {seconds, sums: seconds.map((_, bar) => ((sums[bar] || 0) * 1e3) / width)};
    };
    const listed = charted.slice(0, COLORS).map((listener, i) => ({listener, color: `series-${i}`}));
    const picked =
      alone && !listed.some((entry) => entry.listener === alone) ? [{listener: alone, color: "series-0"}] : listed;
    const layers = picked.map((entry) => ({
      ...entry,
      label: listenerName(entry.listener),
      ...sumOf(entry.listener.series),
    }));
    const rest = coarseTotals.map(
      (total, bin) => total - layers.reduce((sum, layer) => sum + layer.listener.series[bin], 0),
    );
    if (rest.some((count) => count > 0)) {
      layers.push({listener: null, color: "series-rest", label: `others`, ...sumOf(rest)});
    }
    const shown = alone ? layers.filter((layer) => layer.listener === alone) : layers;
    // Stacked: each series is the sum of itself and all below it; the highest one is painted first.
    const stacked = [];
    let below = layers[0].seconds.map(() => 0);
    for (const layer of shown) {
      below = layer.sums.map((rate, bar) => rate + below[bar]);
      stacked.push(below);
    }
    const toggle = (listener) => () => {
      alone = alone === listener ? null : listener;
      draw();
    };
    return {
      data: [layers[0].seconds, ...stacked.slice().reverse()],
      scale: positive,
      axis: compact,
      series: shown.map((layer) => filled(layer.color)).reverse(),
      width,
      legend: layers.map((layer) => ({
        label: layer.label,
        color: layer.color,
        values: shown.includes(layer) ? layer.sums : null,
        format: (rate) => `${short(rate)}/s`,
        pressed: layer.listener !== null && alone === layer.listener,
        press: layer.listener && toggle(layer.listener),
      })),
      text:
        `Stacked bar chart of the busiest listeners: ` +
        layers
          .filter((layer) => layer.listener)
          .map((layer) => `${layer.label} ${counted(layer.listener.accepts, "accept", "accepts")}`)
          .join("; "),
    };
  }
  const coarseTotals = new Array(coarse.count).fill(0);
  for (let bin = 0; bin < bins.count; bin++) {
    const at = Math.floor((bins.begin + bin * bins.width - coarse.begin) / coarse.width);
    coarseTotals[at] += bins.accepts[bin];
  }

  function buildQueue(now, pixels) {
    const width = Charts.barWidth(now.end - now.begin, bins.width, barsOf(pixels));
    const most = [];
    const sum = [];
    const known = [];
    const seconds = Charts.regroup(bins, now, width, (bar, bin) => {
      if (bins.aheadKnown[bin] === 0) return;
      most[bar] = Math.max(most[bar] || 0, bins.aheadMax[bin]);
      sum[bar] = (sum[bar] || 0) + bins.aheadSum[bin];
      known[bar] = (known[bar] || 0) + bins.aheadKnown[bin];
    });
    const maxima = seconds.map((_, bar) => (known[bar] ? most[bar] : null));
    const means = seconds.map((_, bar) => (known[bar] ? sum[bar] / known[bar] : null));
    const highest = maxima.reduce((top, value) => Math.max(top, value || 0), 0);
    return {
      height: 150,
      data: [seconds, maxima, means],
      scale: positive,
      axis: compact,
      series: [filled("series-rest"), line("series-1")],
      width,
      legend: [
        {label: "most", color: "series-rest", values: maxima, format: whole},
        {label: "mean", color: "series-1", values: means, format: short},
      ],
      text: `Chart of the connections that were waiting when another one arrived: at most ${whole(highest)}.`,
    };
  }

  // The wait that `share` of all were not longer than: the middle of its bucket, and no longer than the longest.
  function quantile(counts, total, share, longest) {
    let left = share * total;
    for (const [bucket, count] of counts) {
      left -= count;
      if (left > 0) continue;
      const begin = data.waits.begins[bucket];
      const end = data.waits.begins[bucket + 1] ?? begin;
      return Math.min(bucket < 8 ? begin : (begin + end) / 2, longest);
    }
    return longest;
  }
  function gather(into, bin) {
    const [longest, ...pairs] = data.waits.bins[bin];
    if (longest === undefined) return into;
    into = into || {longest: 0, total: 0, counts: new Map()};
    into.longest = Math.max(into.longest, longest);
    for (let i = 0; i < pairs.length; i += 2) {
      into.counts.set(pairs[i], (into.counts.get(pairs[i]) || 0) + pairs[i + 1]);
      into.total += pairs[i + 1];
    }
    return into;
  }
  function quantiles(gathered) {
    const counts = [...gathered.counts].sort((a, b) => a[0] - b[0]);
    return [0.5, 0.99].map((share) => quantile(counts, gathered.total, share, gathered.longest));
  }

  function powersOfTen(_plot, _axis, min, max) {
    const powers = [];
    for (let power = 10 ** Math.ceil(Math.log10(min) - 1e-9); power <= max * (1 + 1e-9); power *= 10)
      powers.push(power);
    return powers;
  }

  function buildWait(now, pixels) {
    const width = Charts.barWidth(now.end - now.begin, coarse.width, barsOf(pixels));
    const gathered = [];
    const seconds = Charts.regroup(coarse, now, width, (bar, bin) => {
      gathered[bar] = gather(gathered[bar], bin);
    });
    const columns = [[], [], []];
    seconds.forEach((_, bar) => {
      const values = gathered[bar] ? [...quantiles(gathered[bar]), gathered[bar].longest] : [null, null, null];
      values.forEach((value, i) => columns[i].push(value === null ? null : Math.max(value, 1))); // for the logarithm
    });
    const longest = columns[2].reduce((top, value) => Math.max(top, value || 0), 0);
    const names = ["half waited less", "99 % waited less", "longest"];
    return {
      height: 170,
      data: [seconds, ...columns],
      scale: {distr: 3},
      axis: waitText,
      splits: powersOfTen,
      width,
      series: [line("series-2"), line("series-1"), line("series-6", [4, 4])],
      legend: names.map((label, i) => ({
        label,
        color: ["series-2", "series-1", "series-6"][i],
        values: columns[i],
        format: waitText,
      })),
      text: `Chart of the time between established and accepted, logarithmic: at most ${waitText(longest)}.`,
    };
  }

  const hasQueue = bins.aheadKnown.some((known) => known > 0);
  const charts = [
    [at("rate"), buildRate],
    [at("by-listener"), buildListeners],
  ];
  if (hasQueue) charts.push([at("queue"), buildQueue]);
  if (data.waits) charts.push([at("wait"), buildWait]);
  at("queue").hidden = !hasQueue;
  at("wait").hidden = !data.waits;
  if (!hasQueue || !data.waits) {
    at("not-recorded").hidden = false;
    at("not-recorded").textContent = `Not recorded here: ${[
      hasQueue ? "" : "how many were ahead in the queue",
      data.waits ? "" : "the wait in the queue",
    ]
      .filter(Boolean)
      .join(" and ")}.`;
  }
  const drawn = charts.map(([figure, build]) => new Charts.Chart(figure, bands, build, show, showWhole));

  function draw() {
    for (const chart of drawn) chart.draw(span);
    at("span").textContent =
      `${instantText(Math.round(span.begin) * 1e3, 3)} \u2013 ${instantText(Math.round(span.end) * 1e3, 3)} UTC`;
    const isWhole = span.begin <= everything.begin && span.end >= everything.end;
    at("whole").disabled = at("zoom-out").disabled = isWhole;
    at("earlier").disabled = span.begin <= everything.begin;
    at("later").disabled = span.end >= everything.end;
    at("zoom-in").disabled = span.end - span.begin <= 8 * bins.width;
    if (at("rate-table").open) fillRateTable();
    Object.assign(document.body.dataset, {
      bars: rateBars.length,
      shown: rateBars.reduce((sum, bar) => sum + bar.count, 0),
      begin: span.begin,
      end: span.end,
      charts: drawn.length,
    });
  }

  function fillRateTable() {
    const details = at("rate-table");
    details.replaceChildren(details.firstElementChild);
    const shown = rateBars;
    table({
      into: details,
      name: "Accepts per second",
      count: shown.length,
      page: 60,
      columns: [
        {
          label: "From (UTC)",
          get: (i) => shown[i].begin,
          show: (i) => instantText(Math.round(shown[i].begin) * 1e3, 3),
        },
        {
          label: `Accepts in ${durationText(barMs)}`,
          number: true,
          get: (i) => shown[i].count,
          show: (i) => whole(shown[i].count),
        },
        {label: "Per second", number: true, get: (i) => shown[i].rate, show: (i) => short(shown[i].rate)},
      ],
    });
  }
  at("rate-table").addEventListener("toggle", () => {
    if (at("rate-table").open) fillRateTable();
  });

  // ---- where something is missing

  at("bands").classList.toggle("many", bands.length > 8);
  const BAND_NAMES = {lost: "Lost", unseen: "Perhaps unseen", damaged: "Damaged"};
  for (const band of bands) {
    const look = element("button", {type: "button", textContent: "Show"});
    look.addEventListener("click", () => {
      const margin = Math.max((band.end - band.begin) / 2, 20 * bins.width);
      show(band.begin - margin, band.end + margin);
    });
    at("bands").append(
      element(
        "li",
        {},
        Charts.swatch(band.kind),
        look,
        `${BAND_NAMES[band.kind]}, ${instantText(Math.round(band.begin * 1e3), 3)} \u2013 ${instantText(Math.round(band.end * 1e3), 3)}: ${band.text}`,
      ),
    );
  }
  if (data.moreBands) at("bands").append(element("li", {textContent: `${whole(data.moreBands)} more are not shown.`}));

  // ---- tables

  const share = (count) => `${short((count * 100) / data.accepts)} %`;
  const seconds = Math.max((data.last - data.first) / 1e6, 0);
  const pidText = (listener) =>
    listener.kernel ? "kernel" : listener.pids ? `${listener.pid} and others` : String(listener.pid);
  const anyPath = data.listeners.some((listener) => listener.path);
  const severalSpaces = new Set(data.listeners.map((listener) => listener.netns)).size > 1;
  const oneDay = instantText(data.first).slice(0, 10) === instantText(data.last).slice(0, 10);
  const dayText = (us) => (oneDay ? instantText(us, 3).slice(11) : instantText(us, 3));
  const l = (i) => data.listeners[i];
  table({
    into: at("listeners"),
    name: "Listeners",
    count: data.listeners.length,
    page: 25,
    search: "Search listeners",
    order: {column: 3, down: true},
    caption: data.otherAccepts
      ? `${whole(data.otherAccepts)} accepts were made by listeners beyond the first ${whole(data.listeners.length)}.`
      : "",
    columns: [
      {
        label: "COMM",
        get: (i) => l(i).comm,
        show: (i) => {
          const place = charted.indexOf(l(i));
          if (place < 0 || place >= COLORS) return l(i).comm;
          return element("span", {}, Charts.swatch(`series-${place}`), l(i).comm);
        },
      },
      {label: "Address", get: (i) => addressText(l(i).saddr, l(i).sport)},
      {label: "PID", get: (i) => l(i).pid, show: (i) => pidText(l(i)), asShown: true},
      {label: "Accepts", number: true, get: (i) => l(i).accepts, show: (i) => whole(l(i).accepts)},
      {label: "Share", number: true, get: (i) => l(i).accepts, show: (i) => share(l(i).accepts)},
      ...(hasQueue
        ? [
            {
              label: "Most ahead",
              number: true,
              get: (i) => l(i).ahead,
              show: (i) => (l(i).ahead === null ? "" : whole(l(i).ahead)),
            },
          ]
        : []),
      ...(data.waits
        ? [
            {
              label: "Longest wait",
              number: true,
              get: (i) => l(i).wait,
              show: (i) => (l(i).wait === null ? "" : waitText(l(i).wait)),
            },
          ]
        : []),
      {label: "First", wide: true, get: (i) => l(i).first, show: (i) => dayText(l(i).first)},
      {label: "Last", wide: true, get: (i) => l(i).last, show: (i) => dayText(l(i).last)},
      ...(severalSpaces
        ? [{label: "Netns", wide: true, get: (i) => l(i).netns, show: (i) => String(l(i).netns || "")}]
        : []),
      ...(anyPath ? [{label: "Cgroup", wide: true, get: (i) => l(i).path}] : []),
      ...(charted.length > 1
        ? [
            {
              label: "Chart",
              get: (i) => (charted.includes(l(i)) ? "" : null),
              show: (i) => {
                if (!charted.includes(l(i))) return "";
                const button = element("button", {type: "button", textContent: "Alone"});
                button.setAttribute("aria-label", `Show ${listenerName(l(i))} alone in the chart`);
                button.addEventListener("click", () => {
                  alone = l(i);
                  draw();
                  at("by-listener").scrollIntoView({block: "center"});
                });
                return button;
              },
            },
          ]
        : []),
    ],
  });

  function frequentTable(id, label, found) {
    const exact = found.error === 0;
    const first = found.top.length ? found.top[0][1] : 1;
    const others = found.counted - found.top.length;
    const caption = exact
      ? others > 0
        ? `The ${found.top.length} most frequent of ${whole(found.counted)}.`
        : ""
      : `Approximate: there were too many to count each. A count may be up to ${whole(found.error)} too low.`;
    table({
      into: at(id),
      name: label,
      count: found.top.length,
      page: 15,
      caption,
      search: `Search ${label.toLowerCase()}`,
      order: {column: 1, down: true},
      columns: [
        {label, get: (i) => found.top[i][0]},
        {
          label: exact ? "Accepts" : "Accepts, at least",
          number: true,
          get: (i) => found.top[i][1],
          show: (i) => whole(found.top[i][1]),
        },
        {
          label: "Share",
          number: true,
          get: (i) => found.top[i][1],
          show: (i) => {
            const filling = element("span", {});
            filling.style.width = `${(100 * found.top[i][1]) / first}%`;
            return element("span", {}, element("span", {className: "gauge wide"}, filling), share(found.top[i][1]));
          },
        },
      ],
    });
  }
  frequentTable("addresses", "Addresses", data.addresses);
  frequentTable("networks", "Networks", data.networks);

  const rows = data.rows;
  const count = rows.time.length;
  const times = [];
  for (let i = 0, time = 0; i < count; i++) times.push((time += rows.time[i]));
  const remote = (i) => addressText(rows.texts[rows.raddr[i]], rows.rport[i]);
  const local = (i) => addressText(rows.texts[rows.saddr[i]], rows.sport[i]);
  const anyOf = (values) => values.some((value) => value !== null);
  const left = data.accepts - count;
  if (count === 0) {
    at("rows").append(element("p", {className: "hint", textContent: "No rows were asked for (--rows 0)."}));
  } else {
    table({
      into: at("rows"),
      name: "Accepts",
      count,
      search: "Search: address, port, name, PID",
      caption:
        left > 0
          ? `The first ${whole(count)} of ${whole(data.accepts)} accepts; ${whole(left)} were left out (--rows).`
          : "",
      columns: [
        {label: "Time (UTC)", get: (i) => times[i], show: (i) => instantText(times[i]), asShown: true},
        {label: "PID", number: true, get: (i) => rows.pid[i]},
        {label: "COMM", get: (i) => rows.texts[rows.comm[i]]},
        {label: "Remote", get: remote},
        {label: "Local", get: local},
        ...(anyOf(rows.wait)
          ? [
              {
                label: "Wait",
                number: true,
                get: (i) => rows.wait[i],
                show: (i) => (rows.wait[i] === null ? "" : waitText(rows.wait[i])),
              },
            ]
          : []),
        ...(anyOf(rows.ahead) ? [{label: "Ahead", number: true, get: (i) => rows.ahead[i]}] : []),
        ...(anyOf(rows.rtt)
          ? [
              {
                label: "Round trip",
                number: true,
                get: (i) => rows.rtt[i],
                show: (i) => (rows.rtt[i] === null ? "" : waitText(rows.rtt[i])),
              },
            ]
          : []),
      ],
    });
  }

  // ---- the figures at the top

  const [peak, peakMs] = (() => {
    const width = Charts.barWidth(bins.count * bins.width, bins.width, 240);
    const counts = [];
    Charts.regroup(bins, everything, width, (bar, bin) => {
      counts[bar] = (counts[bar] || 0) + bins.accepts[bin];
    });
    return [(counts.reduce((most, count) => Math.max(most, count), 0) * 1e3) / width, width];
  })();
  tile("Accepts", whole(data.accepts), `${share(data.accepts4)} over IPv4`);
  tile("First to last", durationText(seconds * 1e3), `from ${instantText(data.first, 3)}`);
  if (seconds > 0) tile("Mean rate", `${short(data.accepts / seconds)}/s`, "from first to last");
  tile("Peak rate", `${short(peak)}/s`, `over ${durationText(peakMs)}`);
  tile("Listeners", whole(data.listeners.length) + (data.otherAccepts ? "+" : ""));
  tile("Remote addresses", (data.addresses.error ? "more than " : "") + whole(data.addresses.counted));
  if (hasQueue) tile("Most ahead in queue", whole(bins.aheadMax.reduce((a, b) => Math.max(a, b), 0)));
  if (data.waits) {
    const all = data.waits.bins.reduce((gathered, _, bin) => gather(gathered, bin), null);
    const [half, most] = quantiles(all);
    tile("Longest wait", waitText(all.longest), `half < ${waitText(half)}, 99 % < ${waitText(most)}`);
  }

  draw();
  let pixels = document.body.clientWidth;
  new ResizeObserver(() => {
    if (document.body.clientWidth === pixels) return;
    pixels = document.body.clientWidth;
    draw();
  }).observe(document.body);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

  Object.assign(document.body.dataset, {
    state: "drawn",
    accepts: data.accepts,
    listeners: data.listeners.length,
    rows: count,
    bands: bands.length,
  });
})();
