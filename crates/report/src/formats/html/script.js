"use strict";
// Sorts and filters the table of findings. The page says all there is without this.
(function () {
  var table = document.getElementById("findings");
  var controls = document.getElementById("controls");
  if (!table || !controls) return;
  var body = table.tBodies[0];
  var rows = Array.prototype.slice.call(body.rows);
  var texts = rows.map(function (row) { return row.textContent.toLowerCase(); });
  var field = function (name) { return document.getElementById(name); };
  var shown = field("shown");

  function filter() {
    var words = field("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    var least = Number(field("least").value);
    var origin = field("origin").value;
    var fixable = field("fixable").checked;
    var exploited = field("exploited").checked;
    var refused = field("refused");
    var count = 0;
    rows.forEach(function (row, index) {
      var data = row.dataset;
      var fits = Number(data.severity) >= least && (!origin || data.origin === origin) &&
        (!fixable || data.fixable) && (!exploited || data.exploited) && (!refused || !refused.checked || data.refused) &&
        words.every(function (word) { return texts[index].indexOf(word) >= 0; });
      row.hidden = !fits;
      if (fits) count += 1;
    });
    shown.textContent = shown.dataset.text.replace("{}", String(count)).replace("{}", String(rows.length));
  }

  // The place a row was written at decides between equals, so that sorting again is the same.
  var order = new Map(rows.map(function (row, index) { return [row, index]; }));
  function sort(heading, key) {
    var down = heading.getAttribute("aria-sort") !== "descending";
    var collator = new Intl.Collator(document.documentElement.lang, { numeric: true });
    var value = function (row) { return row.dataset[key] || ""; };
    var numbers = key === "severity" || key === "epss";
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
