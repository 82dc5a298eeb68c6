// The tables: sorted by their heads, searched, and shown a page at a time, whether their rows are on the page or in the data.
(() => {
  const { data, count } = aftertrace;
  const PAGE = 100; // rows on the page at once
  const TYPING_MS = 120; // a search waits for the next letter
  const natural = new Intl.Collator("en", { numeric: true });

  // A row knows its cells' texts and keys, and makes its element when it is shown.
  const fromElement = (element) => {
    const cells = [...element.cells];
    const texts = cells.map((cell) => cell.textContent.trim());
    return { element: () => element, texts, keys: cells.map((cell) => (cell.dataset.key === undefined ? null : Number(cell.dataset.key))) };
  };

  const fromData = (texts) => ({
    texts,
    keys: texts.map(() => null),
    element: () => {
      const row = document.createElement("tr");
      texts.forEach((text, at) => {
        const cell = row.insertCell();
        const place = at === 0 ? cell.appendChild(document.createElement("code")) : cell;
        place.textContent = text;
      });
      return row;
    },
  });

  const rowsOf = (list) => list.groups.flatMap((group) => group.first.map((first) => fromData([first, ...group.rest])));

  class List {
    constructor(frame) {
      this.table = frame.querySelector("table");
      this.body = this.table.tBodies[0];
      this.found = frame.querySelector(".found");
      this.search = frame.querySelector("input");
      this.back = frame.querySelector(".back");
      this.forth = frame.querySelector(".forth");
      this.box = frame.querySelector(".frame");
      const long = data.lists.find((list) => list.id === frame.dataset.list);
      this.rows = long ? rowsOf(long) : [...this.body.rows].map(fromElement);
      this.left = long ? long.all - this.rows.length : 0;
      this.shown = this.rows;
      this.page = 0;
      this.listen();
      this.render();
    }

    listen() {
      let waiting = 0;
      this.search.addEventListener("input", () => {
        clearTimeout(waiting);
        waiting = setTimeout(() => this.filter(), TYPING_MS);
      });
      this.back.addEventListener("click", () => this.turn(-1));
      this.forth.addEventListener("click", () => this.turn(1));
      for (const head of this.table.tHead.rows[0].cells) {
        const button = document.createElement("button");
        button.type = "button";
        button.append(...head.childNodes);
        head.append(button);
        button.addEventListener("click", () => this.sort(head));
      }
    }

    filter() {
      const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
      this.shown = words.length
        ? this.rows.filter((row) => {
          row.text ??= row.texts.join(" ").toLowerCase();
          return words.every((word) => row.text.includes(word));
        })
        : this.rows;
      this.page = 0;
      this.render();
    }

    // Numbers begin with the largest, texts with the first.
    sort(head) {
      const at = head.cellIndex;
      const numeric = head.classList.contains("number");
      const before = head.getAttribute("aria-sort");
      const down = before ? before === "ascending" : numeric;
      for (const other of this.table.tHead.rows[0].cells) { other.removeAttribute("aria-sort"); }
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const order = (a, b) => (a.keys[at] === null || b.keys[at] === null ? natural.compare(a.texts[at], b.texts[at]) : a.keys[at] - b.keys[at]);
      this.rows.sort((a, b) => (down ? order(b, a) : order(a, b)));
      this.filter();
    }

    turn(by) {
      this.page += by;
      this.render();
      this.box.scrollTop = 0;
    }

    render() {
      const from = this.page * PAGE;
      const rows = this.shown.slice(from, from + PAGE);
      this.body.replaceChildren(...rows.map((row) => row.element()));
      const pages = Math.ceil(this.shown.length / PAGE);
      this.back.disabled = this.page === 0;
      this.forth.disabled = this.page >= pages - 1;
      this.back.parentElement.hidden = this.rows.length <= PAGE;
      const which = this.shown.length > PAGE ? count(from + 1) + "–" + count(from + rows.length) + " of " : "";
      const of = this.shown.length < this.rows.length ? " of " + count(this.rows.length) : "";
      const left = this.left ? "; " + count(this.left) + " more are in the report as JSON" : "";
      this.found.textContent = which + count(this.shown.length) + (this.shown.length === 1 ? " row" : " rows") + (of ? " found," + of.slice(3) + " in all" : "") + left;
    }

    // Shows the page that an element is on.
    reveal(element) {
      const at = this.rows.findIndex((row) => row.element().contains(element));
      if (at < 0) { return false; }
      this.search.value = "";
      this.shown = this.rows;
      this.page = Math.floor(at / PAGE);
      this.render();
      return true;
    }
  }

  const lists = [...document.querySelectorAll(".list")].map((frame) => new List(frame));

  // A link may lead to a row that is on another page, or filtered away.
  const actors = lists.find((list) => list.table.id === "actor-list");
  addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a[href^='#actor-']");
    if (!link || !actors || document.getElementById(link.hash.slice(1))) { return; }
    const row = actors.rows.find((one) => one.element().querySelector(link.hash));
    if (row) { actors.reveal(row.element().firstChild); }
  }, true);
})();
