(() => {
  // Class histogram: linear or logarithmic bars, the first classes or all.
  for (const button of all("[data-scale]")) {
    button.addEventListener("click", () => {
      document.getElementById("class-bars").classList.toggle("logarithmic", button.dataset.scale === "log");
      for (const other of all("[data-scale]")) other.setAttribute("aria-pressed", String(other === button));
    });
  }
  const more = document.getElementById("all-classes");
  more?.addEventListener("click", () => {
    const open = document.getElementById("class-bars").classList.toggle("open");
    more.setAttribute("aria-expanded", String(open));
    more.textContent = open ? more.dataset.less : more.dataset.more;
  });

  // Findings.
  const groups = all(".group");
  const text = document.getElementById("finding-text");
  const filter = () => {
    const severities = new Set(all("input[name=severity]:checked").map((box) => box.value));
    const wanted = text.value.trim().toLowerCase();
    let shown = 0;
    for (const group of groups) {
      group.hidden = !(severities.has(group.dataset.severity) && group.textContent.toLowerCase().includes(wanted));
      shown += group.hidden ? 0 : 1;
    }
    document.getElementById("finding-count").textContent = `${shown} of ${groups.length} kinds`;
    document.getElementById("no-match").hidden = shown > 0;
  };
  if (text) {
    for (const control of [text, ...all("input[name=severity]")]) control.addEventListener("input", filter);
    filter();
  }
})();
