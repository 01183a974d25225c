"use strict";
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
(() => {
  document.documentElement.classList.add("scripted"); // without a script everything is shown, and controls are not

  // What a part of a chart holds, beside the pointer.
  const tip = document.getElementById("tip");
  document.addEventListener("pointermove", (event) => {
    const target = event.target instanceof Element ? event.target.closest("[data-tip]") : null;
    tip.hidden = !target;
    if (!target) return;
    tip.textContent = target.getAttribute("data-tip");
    const right = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
    const below = event.clientY + 18;
    const fits = below + tip.offsetHeight < innerHeight;
    tip.style.left = `${Math.max(8, right)}px`;
    tip.style.top = `${fits ? below : event.clientY - tip.offsetHeight - 10}px`;
  });
  addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });

  // Gallery.
  const viewer = document.getElementById("viewer");
  const frame = document.getElementById("frame");
  const shots = all(".shot");
  let current = 0;
  const show = (index) => {
    current = (index + shots.length) % shots.length;
    const picture = shots[current].querySelector("img").cloneNode();
    const caption = shots[current].parentElement.querySelector(".caption").cloneNode(true);
    frame.replaceChildren(picture);
    document.getElementById("viewer-caption").replaceChildren(...caption.childNodes, ` ${current + 1} of ${shots.length}`);
  };
  shots.forEach((shot, index) => shot.addEventListener("click", () => { show(index); viewer.showModal(); }));
  document.getElementById("previous").addEventListener("click", () => show(current - 1));
  document.getElementById("next").addEventListener("click", () => show(current + 1));
  viewer.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") show(current - 1);
    if (event.key === "ArrowRight") show(current + 1);
  });
  viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });
  viewer.addEventListener("close", () => shots[current].focus());

  // On paper, what is folded away cannot be opened.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("details.group:not([open]), .aside details:not([open])");
    for (const part of folded) part.open = true;
  });
  addEventListener("afterprint", () => { for (const part of folded) part.open = false; });
})();
