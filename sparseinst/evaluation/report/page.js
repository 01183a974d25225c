(() => {
  // Classes: the headings sort, the field filters, the button shows the rest.
  const table = document.getElementById("class-table");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const field = document.getElementById("class-text");
  const more = document.getElementById("all-classes");
  const first = rows.findIndex((row) => row.classList.contains("tail"));
  let wanted = "";

  const show = () => {
    let matches = 0;
    for (const row of body.rows) {
      row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted);
      matches += row.hidden ? 0 : 1;
      // What one searched for is seen, however far down it is.
      row.classList.toggle("tail", !wanted && first >= 0 && row.rowIndex > first);
    }
    if (field) document.getElementById("class-count").textContent = `${matches} of ${rows.length} classes`;
    document.getElementById("no-class").hidden = matches > 0;
    if (more) more.hidden = wanted !== "";
  };

  // A heading may span the bar and its figure, so its column is counted from the last one.
  const headings = [...table.tHead.rows[0].cells];
  const value = (row, heading) => {
    const cell = row.cells[row.cells.length - headings.length + headings.indexOf(heading)];
    if (heading.dataset.sort === "text") return row.cells[0].textContent;
    return cell.dataset.value === undefined ? null : Number(cell.dataset.value);
  };
  const compare = (a, b, sign) => {
    if (a === null || b === null) return (a === null) - (b === null); // what is undefined is last either way
    return sign * (typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b);
  };
  const sort = (heading) => {
    const now = heading.getAttribute("aria-sort");
    const start = heading.dataset.sort === "text" ? "ascending" : "descending";
    const other = { ascending: "descending", descending: "ascending" };
    const order = now ? other[now] : start;
    for (const each of headings) each.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    body.append(...rows.sort((a, b) => compare(value(a, heading), value(b, heading), sign)));
    show();
  };
  for (const heading of headings) {
    const button = Object.assign(document.createElement("button"), { type: "button" });
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sort(heading));
  }
  field?.addEventListener("input", () => { wanted = field.value.trim().toLowerCase(); show(); });
  more?.addEventListener("click", () => {
    const open = table.classList.toggle("open");
    more.setAttribute("aria-expanded", String(open));
    more.textContent = open ? more.dataset.less : more.dataset.more;
  });
  show();
})();
