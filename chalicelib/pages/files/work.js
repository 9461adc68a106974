/* An idle doctor's list: it asks the public board whether somebody came, and says so to as many doctors as are needed. */
(function () {
  'use strict';
  var d = document, note = d.getElementById('came'), over = d.getElementById('over'), timer, luck = 1, own = 0;
  /* Seconds between two looks, after one that failed, and between two at whether duty has ended. It ends by silence at
     the earliest SILENT after the page came: PRESENCE in rooms/assignment.py, less what a sign of life may be old. */
  var EVERY = 15, LOST = 60, OWN = 60, SILENT = 600;
  if (!over || !window.fetch || !window.Promise) return;
  var boards = note ? note.dataset.boards.split(',') : [], began = Date.now();

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

  function say(what) {
    what.hidden = false;
    d.title = '(!) ' + d.title;
  }

  /* Looking at a board is no sign of life, so a doctor who only waits goes off duty. */
  function ended() {
    var tag = d.querySelector('h1 .tag');
    if (note) note.hidden = true;
    tag.className = 'tag warm';
    tag.textContent = over.dataset.tag;
    d.querySelector('.bar').hidden = true;
    say(over);
  }

  /* One patient and forty idle doctors: one of them is told, by chance. How many of those on duty are idle the board
     does not know: as long as somebody still waits, the chance doubles with each look. */
  function look() {
    var now = Date.now(), seen = !note || note.hidden, mine = now - Math.max(began + (SILENT - OWN) * 1000, own) >= OWN * 1000;
    clearTimeout(timer);
    if (mine) own = now;
    Promise.all([mine ? board(over.dataset.own) : 0].concat(seen ? boards.map(board) : [])).then(function (found) {
      var still = found.slice(1).filter(function (one) { return one.waiting; });
      if (mine && !found[0].on_duty) return ended();
      if (still.some(function (one) { return Math.random() * Math.max(1, one.on_duty) < one.waiting * luck; })) {
        note.textContent = note.dataset.text;
        say(note);
      }
      luck = still.length ? luck * 2 : 1;
      next(EVERY);
    })['catch'](function () { next(LOST); });
  }

  d.addEventListener('visibilitychange', function () { if (over.hidden) next(EVERY); });
  next(EVERY);
})();
