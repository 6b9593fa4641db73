// Tables sort by their headings: numbers by size, words by letters, empty cells last. Without it, all is still readable.
const number = (text) => {
  const found = text.replace(/,/g, "").replace(/\u2212/g, "-").match(/^[-+]?(\d+\.?\d*(e[-+]?\d+)?|inf)/i);
  return found ? (found[1] === "inf" ? Infinity : parseFloat(found[0])) : NaN;
};

const compare = (one, other) => {
  const [a, b] = [number(one), number(other)];
  return isNaN(a) || isNaN(b) ? one.localeCompare(other) : a === b ? 0 : a < b ? -1 : 1;
};

const sort = (heading) => {
  const table = heading.closest("table");
  const place = heading.cellIndex;
  const up = heading.getAttribute("aria-sort") !== "ascending";
  for (const other of heading.parentElement.children) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", up ? "ascending" : "descending");
  const text = (row) => row.cells[place].textContent;
  const rows = [...table.tBodies[0].rows].sort((one, other) => {
    const [a, b] = [text(one), text(other)];
    if (!a || !b) return Number(!a) - Number(!b);
    return up ? compare(a, b) : compare(b, a);
  });
  table.tBodies[0].append(...rows);
};

for (const heading of document.querySelectorAll("thead th")) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...heading.childNodes);
  button.addEventListener("click", () => sort(heading));
  heading.append(button);
}

// Boxes hide the lines, bars and rows of methods; without JavaScript there are no boxes.
const methods = document.querySelector(".methods");
if (methods) {
  const boxes = [...methods.querySelectorAll("input")];
  const all = methods.querySelector("button");
  const show = () => {
    const shown = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    for (const part of document.querySelectorAll("[data-method]"))
      part.toggleAttribute("hidden", !shown.has(part.dataset.method));
    all.textContent = shown.size === boxes.length ? "Hide all" : "Show all";
  };
  methods.hidden = false;
  methods.addEventListener("change", show);
  all.addEventListener("click", () => {
    const on = boxes.some((box) => !box.checked);
    for (const box of boxes) box.checked = on;
    show();
  });
  show(); // browsers keep boxes when a page is loaded again
}
