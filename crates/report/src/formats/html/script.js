"use strict";
// Sorts and filters the table of findings. The page says all there is without this.
(function () {
  var table = document.getElementById("findings");
  var controls = document.getElementById("controls");
  if (!table || !controls) return;
  var body = table.tBodies[0];
  var rows = Array.prototype.slice.call(body.rows);
  var texts = rows.map(function (row) { return row.textContent.toLowerCase(); });
  var inputs = Array.prototype.slice.call(controls.querySelectorAll("[data-by]"));
  var shown = document.getElementById("shown");

  function fits(input, row, text) {
    var value = input.type === "checkbox" ? input.checked : input.value;
    var own = row.dataset[input.dataset.field];
    switch (input.dataset.by) {
      case "text": return value.toLowerCase().split(/\s+/).every(function (word) { return text.indexOf(word) >= 0; });
      case "least": return Number(own) >= Number(value);
      case "is": return !value || own === value;
      default: return !value || Boolean(own);
    }
  }

  function filter() {
    var count = 0;
    rows.forEach(function (row, index) {
      row.hidden = !inputs.every(function (input) { return fits(input, row, texts[index]); });
      if (!row.hidden) count += 1;
    });
    shown.textContent = shown.dataset.text.replace("{}", String(count)).replace("{}", String(rows.length));
  }

  // The place a row was written at decides between equals, so that sorting again is the same.
  var order = new Map(rows.map(function (row, index) { return [row, index]; }));
  function sort(heading, key) {
    var down = heading.getAttribute("aria-sort") !== "descending";
    var collator = new Intl.Collator(document.documentElement.lang, { numeric: true });
    var value = function (row) { return row.dataset[key] || ""; };
    var numbers = "number" in heading.dataset;
    var sorted = rows.slice().sort(function (a, b) {
      var by = numbers ? Number(value(a)) - Number(value(b)) : collator.compare(value(b), value(a));
      return (down ? -by : by) || order.get(a) - order.get(b);
    });
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (cell) { cell.removeAttribute("aria-sort"); });
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    sorted.forEach(function (row) { body.appendChild(row); });
  }

  Array.prototype.forEach.call(table.tHead.rows[0].cells, function (heading) {
    var key = heading.dataset.key;
    if (!key) return;
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    button.addEventListener("click", function () { sort(heading, key); });
    heading.textContent = "";
    heading.appendChild(button);
  });
  controls.addEventListener("input", filter);
  controls.hidden = false;
  filter();
})();
