/* An idle doctor's list: it asks the public board whether somebody came, and says so to as many doctors as are needed. */
(function () {
  'use strict';
  var d = document, note = d.getElementById('came'), timer;
  var EVERY = 15, LOST = 60; /* seconds between two looks, and after one that failed */
  if (!note || !window.fetch || !window.Promise) return;
  var boards = note.dataset.boards.split(',');

  function next(seconds) {
    clearTimeout(timer);
    if (!d.hidden) timer = setTimeout(look, seconds * 1000 * (0.8 + Math.random() * 0.4));
  }

  function board(address) {
    return fetch(address, { credentials: 'omit' }).then(function (r) {
      if (!r.ok) throw r.status;
      return r.json();
    });
  }

  /* One patient and forty idle doctors: one of them is told, by chance; the next look tells another. */
  function look() {
    clearTimeout(timer);
    Promise.all(boards.map(board)).then(function (found) {
      var told = found.some(function (one) { return Math.random() * Math.max(1, one.on_duty) < one.waiting; });
      if (!told) return next(EVERY);
      note.textContent = note.dataset.text;
      note.hidden = false;
      d.title = '(!) ' + d.title;
    })['catch'](function () { next(LOST); });
  }

  d.addEventListener('visibilitychange', function () { if (note.hidden) next(EVERY); });
  next(EVERY);
})();
