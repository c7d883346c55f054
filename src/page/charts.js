// Charts over one span of time that they all share. Drawn anew, in bars as wide as the screen can show, whenever the
// span changes. Times here are milliseconds since 1970 UTC, on uPlot's axis seconds.
"use strict";

const Charts = (() => {
  const WIDTHS = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 3e4, 6e4, 12e4, 3e5, 6e5, 12e5, 18e5, 36e5, 72e5,
    108e5, 216e5, 432e5, 864e5,
  ];

  // A multiple of `base` that cuts `span` into at most `most` bars: one people count in, if that is not much too wide.
  function barWidth(span, base, most) {
    const needed = Math.max(span / most, base);
    const nice = WIDTHS.find((width) => width % base === 0 && width >= needed);
    return nice && nice <= 2.5 * needed ? nice : Math.ceil(needed / base) * base;
  }

  // Bins of a series ({begin, width, count}) that lie in a span, put together to wider bars. `add(bar, bin)` takes bin
  // number `bin` into bar number `bar`. Returns where the bars begin, in seconds.
  function regroup(series, span, width, add) {
    const first = Math.floor(span.begin / width) * width;
    const bars = Math.ceil((span.end - first) / width) + 1;
    const from = Math.max(0, Math.floor((first - series.begin) / series.width));
    const to = Math.min(series.count - 1, Math.ceil((first + bars * width - series.begin) / series.width));
    for (let bin = from; bin <= to; bin++) {
      const bar = Math.floor((series.begin + bin * series.width - first) / width);
      if (bar >= 0 && bar < bars) add(bar, bin);
    }
    return Array.from({length: bars}, (_, bar) => (first + bar * width) / 1e3);
  }

  function color(name) {
    return getComputedStyle(document.documentElement)
      .getPropertyValue("--" + name)
      .trim();
  }

  // The colours are #rrggbb; `opacity` is 0 to 1.
  function faint(name, opacity) {
    return (
      color(name) +
      Math.round(opacity * 255)
        .toString(16)
        .padStart(2, "0")
    );
  }

  const two = (number) => String(number).padStart(2, "0");

  function dateText(ms) {
    const date = new Date(ms);
    return isNaN(date)
      ? "beyond time"
      : `${date.getUTCFullYear()}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
  }

  // "09:17:12", with as many digits of the second as `step` milliseconds ask for.
  function clockText(ms, step) {
    const date = new Date(ms);
    if (isNaN(date)) return "";
    const minutes = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
    if (step >= 6e4) return minutes;
    const seconds = `${minutes}:${two(date.getUTCSeconds())}`;
    if (step >= 1e3) return seconds;
    return `${seconds}.${String(Math.floor(date.getUTCMilliseconds()))
      .padStart(3, "0")
      .slice(0, step >= 100 ? 1 : step >= 10 ? 2 : 3)}`;
  }

  // The date stands below the first label and below each that begins a day.
  function timeLabels(splits, step) {
    let day = "";
    return splits.map((second) => {
      const ms = Math.round(second * 1e3);
      const date = dateText(ms);
      const text = step >= 864e5 ? date : clockText(ms, step) + (date !== day ? "\n" + date : "");
      day = date;
      return text;
    });
  }

  function drawBands(plot, bands) {
    const {ctx, bbox} = plot;
    ctx.save();
    for (const band of bands) {
      const left = Math.max(plot.valToPos(band.begin / 1e3, "x", true), bbox.left);
      const right = Math.min(plot.valToPos(band.end / 1e3, "x", true), bbox.left + bbox.width);
      if (right < bbox.left || left > bbox.left + bbox.width) continue;
      const width = Math.max(right - left, 3 * devicePixelRatio); // an instant has to be seen, too
      ctx.fillStyle = faint(band.kind, 0.3);
      ctx.fillRect(left, bbox.top, width, bbox.height);
      ctx.fillStyle = color(band.kind);
      ctx.fillRect(left, bbox.top, width, 3 * devicePixelRatio);
    }
    ctx.restore();
  }

  function swatch(name) {
    const made = document.createElement("span");
    made.className = "swatch";
    made.style.background = `var(--${name})`;
    return made;
  }

  function spanOf(text) {
    const made = document.createElement("span");
    made.textContent = text;
    return made;
  }

  // A legend of its own: uPlot's is a table that cannot be read on a phone.
  function fillLegend(list, entries) {
    list.replaceChildren(
      ...entries.map((entry) => {
        const item = document.createElement("li");
        let into = item;
        if (entry.press) {
          into = document.createElement("button");
          into.type = "button";
          into.setAttribute("aria-pressed", String(entry.pressed));
          into.addEventListener("click", entry.press);
          item.append(into);
        }
        into.append(swatch(entry.color), spanOf(entry.label));
        return item;
      }),
    );
  }

  // What lies under the pointer: the time of the bar and the values that are not nothing.
  function fillTip(tip, plot, built) {
    const index = plot.cursor.idx;
    const left = plot.cursor.left;
    const lines =
      index == null || left < 0
        ? []
        : built.legend
            .filter((entry) => entry.values && entry.values[index])
            .map((entry) => {
              const line = document.createElement("li");
              line.append(swatch(entry.color), spanOf(entry.label), spanOf(entry.format(entry.values[index])));
              return line;
            });
    tip.hidden = lines.length === 0;
    if (tip.hidden) return;
    const begin = Math.round(built.data[0][index] * 1e3);
    const step = Math.min(built.width, 1e3);
    tip.firstChild.textContent = `${clockText(begin, step)} \u2013 ${clockText(begin + built.width, step)}`;
    tip.lastChild.replaceChildren(...lines);
    const right = left > plot.over.clientWidth / 2;
    tip.style.left = right ? "auto" : `${left + 12}px`;
    tip.style.right = right ? `${plot.over.clientWidth - left + 12}px` : "auto";
  }

  // One chart in `figure`. `build(span, pixels)` says what to draw: {data, series, scale, axis, splits, width, height, legend,
  // text}; data[0] holds seconds, width is that of a bar, axis makes a label of a value. A legend entry is {label, color,
  // values, format, press, pressed}: values for each bar, to be shown under the pointer.
  class Chart {
    constructor(figure, bands, build, show, whole) {
      this.figure = figure;
      this.place = figure.querySelector(".plot");
      this.list = figure.querySelector(".legend");
      this.bands = bands;
      this.build = build;
      this.show = show;
      this.whole = whole;
      this.under = false; // the pointer is over it
    }

    draw(span) {
      const pixels = this.place.clientWidth;
      const built = this.build(span, pixels);
      fillLegend(this.list, built.legend);
      this.place.setAttribute("aria-label", built.text);
      if (this.plot) this.plot.destroy();
      const axis = {
        stroke: color("quiet"),
        grid: {stroke: color("grid"), width: 1},
        ticks: {stroke: color("grid"), width: 1},
        font: "12px system-ui, 'DejaVu Sans', sans-serif",
      };
      const tip = document.createElement("div");
      tip.className = "tip";
      tip.hidden = true;
      tip.append(document.createElement("div"), document.createElement("ul"));
      this.plot = new uPlot(
        {
          width: pixels,
          height: built.height || 190,
          padding: [8, 8, 0, 0],
          tzDate: (second) => uPlot.tzDate(new Date(second * 1e3), "Etc/UTC"),
          legend: {show: false},
          cursor: {
            drag: {x: true, y: false, setScale: false},
            y: false,
            points: {show: false},
            sync: {key: "tcpaccept", filters: {pub: (type) => type === "mousemove" || type === "mouseleave"}},
            bind: {
              dblclick: () => () => {
                setTimeout(this.whole);
                return null;
              },
            },
          },
          scales: {x: {time: true, auto: false, min: span.begin / 1e3, max: span.end / 1e3}, y: built.scale},
          axes: [
            {...axis, space: 90, values: (_, splits, _index, _space, step) => timeLabels(splits, step * 1e3)},
            {
              ...axis,
              size: 58,
              ...(built.splits && {splits: built.splits, filter: (_, splits) => splits}),
              values: (_, splits) => splits.map((value) => (value == null ? "" : built.axis(value))),
            },
          ],
          series: [{}, ...built.series],
          hooks: {
            draw: [(plot) => drawBands(plot, this.bands)],
            ready: [(plot) => plot.over.append(tip)],
            // The other charts follow the pointer with a line only.
            setCursor: [
              (plot) => {
                if (this.under) fillTip(tip, plot, built);
              },
            ],
            setSelect: [
              (plot) => {
                if (plot.select.width < 3) return;
                const at = (left) => plot.posToVal(left, "x") * 1e3;
                const [begin, end] = [at(plot.select.left), at(plot.select.left + plot.select.width)];
                setTimeout(() => this.show(begin, end)); // uPlot is still busy with the mouse, and will not be torn down now
              },
            ],
          },
        },
        built.data,
        this.place,
      );
      this.plot.over.addEventListener("mouseenter", () => {
        this.under = true;
      });
      this.plot.over.addEventListener("mouseleave", () => {
        this.under = false;
        tip.hidden = true;
      });
    }
  }

  return {Chart, barWidth, regroup, color, swatch, dateText, clockText};
})();
