// Tables that can be sorted by any column and searched, a page at a time. Every text becomes a text node.
"use strict";

const Tables = (() => {
  const collator = new Intl.Collator("en", {numeric: true});

  function element(name, properties = {}, ...children) {
    const made = document.createElement(name);
    Object.assign(made, properties);
    made.append(...children);
    return made;
  }

  // columns: {label, number, wide, asShown, get(row), show(row)}: `get` is what is sorted by and searched, `show` a text or
  // a node to be seen instead; asShown: it is also what is searched. Rows are numbers below `count`. order: column and
  // direction to begin with. page: rows at a time.
  function table({into, name, caption, count, columns, search, page = 50, order = null}) {
    let sorted = order;
    let words = [];
    let start = 0;
    let found = Array.from({length: count}, (_, i) => i);
    const texts = [];

    const body = element("tbody");
    const heads = columns.map((column, i) => {
      const button = element("button", {type: "button", textContent: column.label});
      button.addEventListener("click", () => {
        const again = sorted && sorted.column === i;
        sorted = {column: i, down: again ? !sorted.down : Boolean(column.number)};
        start = 0;
        update();
      });
      return element("th", {scope: "col", className: classes(column)}, button);
    });
    const counted = element("span", {className: "count"});
    counted.setAttribute("role", "status");
    const back = element("button", {type: "button", textContent: "Previous"});
    const on = element("button", {type: "button", textContent: "Next"});
    back.addEventListener("click", () => {
      start -= page;
      fill();
    });
    on.addEventListener("click", () => {
      start += page;
      fill();
    });

    const tools = element("div", {className: "tools"});
    if (search && count > 1) {
      const input = element("input", {type: "search", placeholder: search, spellcheck: false, autocomplete: "off"});
      input.setAttribute("aria-label", search);
      let timer = 0;
      input.addEventListener("input", () => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
          start = 0;
          update();
        }, 80);
      });
      tools.append(input);
    }
    if (count > 1 && (search || count > page)) tools.append(counted);
    if (count > page) tools.append(back, on);
    const scroll = element(
      "div",
      {className: "scroll", tabIndex: 0},
      element(
        "table",
        {},
        ...(caption ? [element("caption", {textContent: caption})] : []),
        element("thead", {}, element("tr", {}, ...heads)),
        body,
      ),
    );
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", name);
    into.append(...(tools.childElementCount ? [tools] : []), scroll);

    function classes(column) {
      return [column.number ? "number" : "text", column.wide ? "wide" : ""].join(" ").trim();
    }
    function textOf(row) {
      if (texts[row] === undefined) {
        texts[row] = columns
          .map((column) => (column.asShown ? column.show : column.get)(row) ?? "")
          .join("\n")
          .toLowerCase();
      }
      return texts[row];
    }
    function update() {
      found = [];
      for (let row = 0; row < count; row++) {
        if (words.every((word) => textOf(row).includes(word))) found.push(row);
      }
      if (sorted) {
        const {get, number} = columns[sorted.column];
        const sign = sorted.down ? -1 : 1;
        const values = new Map(found.map((row) => [row, get(row)]));
        found.sort((a, b) => {
          const x = values.get(a);
          const y = values.get(b);
          if (x == null || y == null) return (x == null) - (y == null); // what is not known comes last
          return sign * (number ? x - y : collator.compare(x, y)) || a - b;
        });
      }
      heads.forEach((head, i) => {
        if (sorted && sorted.column === i) {
          head.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
          head.firstChild.textContent = `${columns[i].label} ${sorted.down ? "\u2193" : "\u2191"}`;
        } else {
          head.removeAttribute("aria-sort");
          head.firstChild.textContent = columns[i].label;
        }
      });
      fill();
    }
    function fill() {
      const shown = found.slice(start, start + page);
      body.replaceChildren(
        ...shown.map((row) =>
          element(
            "tr",
            {},
            ...columns.map((column) => {
              const content = column.show ? column.show(row) : column.get(row);
              const cell = element("td", {className: classes(column)}, content ?? "");
              if (!column.number && typeof content === "string" && content.length > 40) cell.title = content;
              return cell;
            }),
          ),
        ),
      );
      const of = found.length.toLocaleString("en");
      counted.textContent =
        found.length === 0
          ? "none"
          : found.length <= page
            ? of
            : `${(start + 1).toLocaleString("en")}\u2013${(start + shown.length).toLocaleString("en")} of ${of}`;
      back.disabled = start === 0;
      on.disabled = start + page >= found.length;
    }
    update();
  }

  return {element, table};
})();
