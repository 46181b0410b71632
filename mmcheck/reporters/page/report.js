
"use strict";
(() => {
  const PAGE = 100;
  const [ID, RULE, NAME, SEVERITY, FILE, ROW, LINE, MESSAGE, VALUE, HINT, SAMPLE, POINTER, TURN, POSITION] = Array(14).keys();
  const make = (tag, name, text) => {
    const node = document.createElement(tag);
    if (name) node.className = name;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const number = (count) => count.toLocaleString("en");
  const later = (run) => {
    let timer = 0;
    return () => { clearTimeout(timer); timer = setTimeout(run, 80); };
  };

  class Rules {
    constructor(section) {
      this.form = section.querySelector(".rules-controls");
      this.body = section.querySelector("table.rules tbody");
      this.rows = [...this.body.rows].map((row) => ({
        row, status: row.dataset.status, keys: [...row.cells].map((cell) => cell.dataset.key),
        text: (row.cells[0].dataset.key + " " + row.cells[1].dataset.key).toLowerCase(),
      }));
      this.heads = [...section.querySelectorAll("table.rules th")];
      this.heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => this.sort(head, column)));
      this.form.addEventListener("submit", (event) => event.preventDefault());
      this.form.addEventListener("input", () => this.filter());
      if (!this.rows.some((each) => this.fits(each, "", "fault"))) this.form.elements.status.value = "";
      this.filter();
    }
    fits(each, text, status) {
      const state = status === "fault" ? ["failed", "error"].includes(each.status) : !status || each.status === status;
      return state && each.text.includes(text);
    }
    filter() {
      const text = this.form.elements.text.value.trim().toLowerCase();
      const status = this.form.elements.status.value;
      let shown = 0;
      for (const each of this.rows) {
        const fits = this.fits(each, text, status);
        each.row.hidden = !fits;
        shown += fits;
      }
      this.form.querySelector("output").textContent = number(shown) + " of " + number(this.rows.length) + " rules";
    }
    sort(head, column) {
      const numeric = column >= 2;
      const up = head.getAttribute("aria-sort") ? head.getAttribute("aria-sort") === "descending" : !numeric;
      for (const each of this.heads) each.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const order = numeric ? (a, b) => a.keys[column] - b.keys[column] : (a, b) => a.keys[column].localeCompare(b.keys[column]);
      this.rows.sort((a, b) => (up ? 1 : -1) * order(a, b));
      this.body.append(...this.rows.map((each) => each.row));
    }
  }

  class Findings {
    constructor(section) {
      this.section = section;
      this.data = JSON.parse(section.querySelector("script.data").textContent);
      this.all = this.data.findings;
      this.places = new Map(this.all.map((finding, place) => [finding[ID], place]));
      this.form = section.querySelector(".findings-controls");
      this.list = section.querySelector("ol.findings");
      this.earlier = section.querySelector(".earlier");
      this.more = section.querySelector(".more");
      this.fill("rule", RULE, (finding) => this.text(finding[RULE]) + " " + this.text(finding[NAME]));
      this.fill("severity", SEVERITY, (finding) => finding[SEVERITY]);
      this.fill("file", FILE, (finding) => finding[FILE] === null ? "(the dataset)" : this.text(finding[FILE]));
      const filter = later(() => this.filter());
      this.form.addEventListener("submit", (event) => event.preventDefault());
      this.form.addEventListener("input", filter);
      this.form.addEventListener("reset", filter);
      this.more.addEventListener("click", () => this.grow());
      this.earlier.addEventListener("click", () => { this.start = Math.max(0, this.start - PAGE); this.draw(); });
      this.filter();
    }
    text(place) { return place === null ? "" : this.data.texts[place]; }
    fill(name, field, word) {
      const counts = new Map();
      for (const finding of this.all) {
        const known = counts.get(finding[field]);
        if (known) known.count += 1; else counts.set(finding[field], { word: word(finding), count: 1 });
      }
      const select = this.form.elements[name];
      for (const [value, { word: shown, count }] of counts) {
        const option = make("option", "", shown + " (" + number(count) + ")");
        option.value = String(value);
        select.append(option);
      }
    }
    haystack(place) {
      this.hay ??= new Array(this.all.length);
      return this.hay[place] ??= [RULE, NAME, FILE, HINT].map((field) => this.text(this.all[place][field]))
        .concat([MESSAGE, VALUE, SAMPLE, POINTER].map((field) => this.all[place][field] ?? "")).join("\n").toLowerCase();
    }
    filter() {
      const wanted = Object.fromEntries(["rule", "severity", "file"].map((name) => [name, this.form.elements[name].value]));
      const words = this.form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
      this.fitting = [];
      for (let place = 0; place < this.all.length; place += 1) {
        const finding = this.all[place];
        if (wanted.rule && String(finding[RULE]) !== wanted.rule) continue;
        if (wanted.severity && finding[SEVERITY] !== wanted.severity) continue;
        if (wanted.file && String(finding[FILE]) !== wanted.file) continue;
        if (words.length) {
          const hay = this.haystack(place);
          if (!words.every((word) => hay.includes(word))) continue;
        }
        this.fitting.push(place);
      }
      this.start = 0;
      this.end = PAGE;
      this.draw();
    }
    clear() { // not form.reset(), whose event would filter again, later, and turn back to the first page
      for (const name of ["text", "rule", "severity", "file"]) this.form.elements[name].value = "";
    }
    draw() {
      this.list.replaceChildren(...this.fitting.slice(this.start, this.end).map((place) => this.item(place)));
      this.tell();
    }
    grow() {
      const first = this.end;
      this.end += PAGE;
      const items = this.fitting.slice(first, this.end).map((place) => this.item(place));
      this.list.append(...items);
      this.tell();
      items[0]?.querySelector("a").focus();
    }
    tell() {
      this.list.start = this.start + 1;
      this.earlier.hidden = this.start === 0;
      this.more.hidden = this.end >= this.fitting.length;
      const all = number(this.all.length) + (this.all.length === 1 ? " finding" : " findings");
      const some = number(this.fitting.length) + " of " + all;
      this.form.querySelector("output").textContent = this.fitting.length === this.all.length ? all : some;
    }
    item(place) {
      const finding = this.all[place];
      const item = make("li", finding[SEVERITY]);
      item.id = finding[ID];
      const body = make("div");
      const line = make("div", "line");
      const file = finding[FILE] === null ? "dataset" : this.text(finding[FILE]);
      const at = finding[LINE] !== null ? ":" + finding[LINE] : finding[ROW] !== null ? "[" + finding[ROW] + "]" : "";
      const link = make("a", "link", "#");
      link.href = "#" + finding[ID];
      link.setAttribute("aria-label", "Link to this finding: " + this.text(finding[RULE]) + " at " + file + at);
      line.append(make("span", "where", file + at), make("code", "", this.text(finding[RULE])),
        make("span", "", this.text(finding[NAME])), make("span", "tag " + finding[SEVERITY], finding[SEVERITY]), link);
      body.append(line, make("p", "", finding[MESSAGE]));
      if (finding[VALUE] !== null) body.append(make("pre", "", finding[VALUE]));
      const of = [];
      if (finding[SAMPLE] !== null) of.push("record “" + finding[SAMPLE] + "”");
      if (finding[ROW] !== null && finding[LINE] !== null) of.push("row " + finding[ROW]);
      if (finding[POINTER]) of.push("at " + finding[POINTER]);
      if (finding[TURN] !== null) of.push("turn " + finding[TURN]);
      if (finding[POSITION] !== null) of.push("medium " + finding[POSITION]);
      if (of.length) body.append(make("p", "of", of.join(" · ")));
      if (finding[HINT] !== null) body.append(make("p", "hint", "→ " + this.text(finding[HINT])));
      item.append(body);
      const picture = this.data.shown[place];
      if (picture !== undefined) {
        const image = make("img");
        image.src = this.data.pictures[picture];
        image.alt = "thumbnail of " + (finding[VALUE] ?? "the image");
        image.loading = "lazy";
        item.append(image);
      }
      return item;
    }
    go(id) {
      const place = this.places.get(id);
      if (place === undefined) return false;
      if (!this.fitting.includes(place)) {
        this.clear();
        this.filter();
      }
      const rank = this.fitting.indexOf(place);
      if (rank < this.start || rank >= this.end) {
        this.start = Math.floor(rank / PAGE) * PAGE;
        this.end = this.start + PAGE;
        this.draw();
      }
      for (const each of document.querySelectorAll("li.target")) each.classList.remove("target");
      const item = document.getElementById(id);
      item.classList.add("target");
      item.tabIndex = -1;
      item.focus({ preventScroll: true });
      item.scrollIntoView({ block: "center" });
      return true;
    }
    only(rule) {
      const place = this.data.texts.indexOf(rule);
      this.clear();
      this.form.elements.rule.value = String(place);
      this.filter();
      this.section.querySelector(".findings-controls").scrollIntoView();
      this.form.elements.rule.focus({ preventScroll: true });
    }
  }

  const lists = [];
  for (const section of document.querySelectorAll("section.dataset")) {
    if (section.querySelector("table.rules")) new Rules(section);
    const list = section.querySelector("script.data") ? new Findings(section) : null;
    if (list) lists.push(list);
    for (const button of section.querySelectorAll("button.show")) {
      if (list && list.data.texts.includes(button.dataset.rule)) {
        button.addEventListener("click", () => list.only(button.dataset.rule));
      } else {
        button.replaceWith(button.textContent);
      }
    }
  }
  const follow = () => {
    let id = "";
    try { id = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    if (id) lists.some((list) => list.go(id));
  };
  addEventListener("hashchange", follow);
  follow();
})();
