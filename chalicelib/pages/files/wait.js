/* The waiting room: this phone works out its own place from the board that everybody shares, and keeps its ticket. */
(function () {
  var d = document, root = d.documentElement, card = d.getElementById('ticket');
  if (!card || !window.fetch) return;
  /* seconds: between two looks at the board, and until no answer is one */
  var LEAST = 5, MOST = 600, HIDDEN = 60, NO_DOCTOR = 20, LOST = 120, PATIENCE = 15, KEEP = 60, SETTLES = 1;
  var my = card.dataset, lane = +my.lane, band = +my.band, n = +my.n, until = +my.until;
  var title = d.title, fails = 0, said = step(+d.getElementById('place').textContent);
  var timer, every = LEAST, turn = 0, asked = 0, room = '', kept = '', keptAt = 0;

  /* Read aloud only when it means something: every place up to three, then every fifth, then every tenth. */
  function step(place) {
    return place <= 3 ? place : place <= 10 ? Math.ceil(place / 5) * 5 : Math.ceil(place / 10) * 10;
  }

  function words(text, low, high) { return text.replace('{low}', low).replace('{high}', high); }

  /* The same steps as the server's: of 1 up to ten minutes, then of 5. */
  function round(minutes, up) {
    var step = minutes < 10 ? 1 : 5, whole = Math.floor(minutes / step) * step;
    return Math.max(1, up && minutes > whole ? whole + step : whole);
  }

  function minutes(seconds) {
    var low = round(seconds * 0.8 / 60, false), high = round(seconds * 1.6 / 60, true);
    if (high < 2) return my.one;
    if (high <= 90) return words(my.minutes, low, high);
    return words(low < 60 ? my.mixed : my.hours, low < 60 ? low : Math.floor(low / 60), Math.ceil(high / 60));
  }

  function show(board) {
    var bands = board.lanes[lane], mine = bands[band], ahead = n - mine[0] - 1, gone = mine[2], own, b, place, seconds;
    for (b = 0; b < gone.length; b++) if (gone[b] < n) ahead--;  /* numbers of people who left */
    ahead = Math.max(0, ahead);
    for (b = 0; b < mine[6].length; b++) if (mine[6][b] < until) ahead++;  /* who let others go first */
    /* How many calls it takes: Turn in rooms/promise.py. */
    seconds = Math.min((ahead + 1) * mine[5], mine[3] + (ahead + 1) * mine[4]) * (board.seconds_per_call || 60);
    /* The same as `ahead` in rooms/queue.py. */
    own = ahead;
    board.lanes.forEach(function (other, i) {
      if (i !== lane) ahead += Math.min(own + 1, other[band][1]);
      for (b = 0; b < band; b++) ahead += other[b][1];
    });
    if (my.kept || bands[band][0] >= until) return look(false, true);
    if (!board.on_duty !== !+my.duty || board.at >= +my.limit) return look();
    place = ahead + 1;
    root.className = '';
    d.querySelector('#ticket .tear').style.visibility = '';
    d.getElementById('place').textContent = place;
    d.title = '(' + place + ') ' + title;
    fails = 0;
    if (board.on_duty && board.seconds_per_call) {
      d.getElementById('wait').textContent = minutes(seconds);
    }
    if (step(place) !== said) d.getElementById('live').textContent = my.live.replace('{place}', place);
    said = step(place);
    seen();
    keep();
    next(Math.min(MOST, Math.max(board.on_duty ? LEAST : NO_DOCTOR, seconds / 20)));
    /* Taken out, by the desk for one; or told to the lane by somebody whose own write then failed. */
    if (n === until && gone.indexOf(n) >= 0) look(true);
  }

  /* Something happened that only the page itself can tell. Never under the fingers of somebody who is writing, and never
     to a page that cannot be shown: that one would have no script, and would ask no more. `doubtful`: perhaps nothing
     has happened; `called`: their number was. */
  function look(doubtful, called) {
    var box = d.getElementById('text'), last = 0;
    if (box && box.value && d.activeElement === box) {
      if (called && window.movedOn) movedOn();
      else d.getElementById('changed').hidden = false;
      return next(10);
    }
    try { last = +sessionStorage.getItem('looked') || 0; sessionStorage.setItem('looked', Date.now()); } catch (e) {}
    if (Date.now() - last < 8000) return next(10);
    ask(my.here, 'same-origin', function (visit, status) {
      var watch = visit && visit.place && visit.place.watch;
      if (doubtful && watch && watch.until === until && watch.band === band) return next(HIDDEN);
      if (!visit && status !== 404 && status !== 410) return lost(status);
      location.replace(my.here);
    });
  }

  /* Everybody at their own moment, and seldom where nobody looks. */
  function next(seconds) {
    every = seconds;
    clearTimeout(timer);
    timer = setTimeout(tick, Math.max(seconds, d.hidden ? HIDDEN : 0) * 1000 * (0.8 + Math.random() * 0.4));
  }

  function lost(why) {
    fails++;
    root.className = +why ? 'is-old' : 'is-offline';  /* a number: the line is there, but the clinic cannot answer */
    next(Math.min(LOST, LEAST * Math.pow(2, fails)));
  }

  /* What the clinic says at this address, or the number of its refusal; neither where there is no line. */
  function ask(address, who, then) {
    var mine = ++turn;
    clearTimeout(timer);
    timer = setTimeout(lost, PATIENCE * 1000);
    fetch(address, {
      credentials: who, cache: 'no-store', headers: { 'Accept': 'application/json' }
    }).then(function (r) {
      if (!r.ok) throw r.status;
      return r.json();
    }).then(function (said) {
      if (mine === turn) then(said);
    })['catch'](function (why) { if (mine === turn) then(null, why); });
  }

  function tick() {
    asked = Date.now();
    ask(my.board, 'omit', function (board, status) { if (board) show(board); else lost(status); });
  }

  function without(copy, what) {
    [].forEach.call(copy.querySelectorAll(what), function (one) { one.parentNode.removeChild(one); });
  }

  function page(copy) {
    return new Response('<!doctype html>' + copy.outerHTML, { headers: {
      'Content-Type': 'text/html; charset=utf-8', 'Date': new Date().toUTCString(),
      'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    } });
  }

  /* For when the line is gone: this page without what was written and what needs the clinic, and a page that leads
     to it. Only the first copy makes room: where the ticket was forgotten since, in another tab, none is kept again. */
  function keep(first) {
    var now = new Date(), shown = d.getElementById('place').textContent + d.getElementById('wait').textContent;
    var ticket, offline;
    if (!room || shown === kept && now - keptAt < KEEP * 1000) return;
    kept = shown;
    keptAt = +now;
    ticket = root.cloneNode(true);
    offline = root.cloneNode(true);
    without(ticket, '[data-online],.problems,form');
    ticket.className = 'is-offline';
    ticket.querySelector('#ticket').dataset.kept = 'yes';
    without(offline, 'script');
    offline.querySelector('main').innerHTML = d.getElementById('offline').innerHTML;
    offline.querySelector('title').textContent = offline.querySelector('h1').textContent;
    caches.has(room).then(function (there) {
      return (there || first) && caches.open(room).then(function (cache) {
        return Promise.all([
          cache.put(my.base + '/kept/' + my.visit, page(ticket)),
          cache.put(my.base + '/offline?' + my.language, page(offline))
        ]);
      });
    })['catch'](function () {});
  }

  function seen() { d.getElementById('then').textContent = my.then.replace('{time}', new Date().toTimeString().slice(0, 5)); }

  d.addEventListener('visibilitychange', function () {
    if (d.hidden || Date.now() - asked < LEAST * 1000) next(every); else tick();
  });
  /* A line that has just come back does not carry yet. */
  addEventListener('online', function () { clearTimeout(timer); timer = setTimeout(tick, SETTLES * 1000); });
  addEventListener('offline', lost);
  if (my.kept) return tick();
  seen();
  next(LEAST);
  if (navigator.serviceWorker && window.caches) addEventListener('load', function () {
    navigator.serviceWorker.register(my.base + '/worker.js', { updateViaCache: 'all' }).then(function () {
      room = 'ticket ' + my.visit;
      keep(true);
    })['catch'](function () {});
  });
})();
