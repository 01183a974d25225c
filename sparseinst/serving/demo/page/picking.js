// The ways a picture comes in: chosen, dropped, pasted. Each ends in `picked(file)`.

export function listen({ button, input }, picked) {
  for (const each of button) each.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    if (input.files.length) picked(input.files[0]);
    input.value = ""; // the same file again is a change, too
  });

  // The whole window takes a drop: a browser would leave the page to show a picture that missed.
  let depth = 0; // enter and leave come for every element on the way
  const holdsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const mark = () => document.body.classList.toggle("dragging", depth > 0);
  addEventListener("dragenter", (event) => { if (holdsFiles(event)) { depth += 1; mark(); } });
  addEventListener("dragleave", (event) => { if (holdsFiles(event)) { depth = Math.max(0, depth - 1); mark(); } });
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    mark();
    if (event.dataTransfer?.files.length) picked(event.dataTransfer.files[0]);
  });

  addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (!file) return;
    event.preventDefault();
    picked(file);
  });
}
