/* The waiting room: this phone works out its own place from the board that everybody shares. */
(function () {
  var d = document, card = d.getElementById('ticket');
  if (!card || !window.fetch) return;
  var my = card.dataset, lane = +my.lane, band = +my.band, n = +my.n, until = +my.until;
  var title = d.title, fails = 0, said = step(+d.getElementById('place').textContent), timer;

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
    var bands = board.lanes[lane], ahead = n - bands[band][0] - 1, gone = bands[band][2], b, place;
    for (b = 0; b < gone.length; b++) if (gone[b] < n) ahead--;  /* numbers of people who left */
    ahead = Math.max(0, ahead);
    d.documentElement.className = '';
    for (b = 0; b < band; b++) ahead += bands[b][1];
    if (bands[band][0] >= until || !board.on_duty !== !+my.duty) return look();
    place = ahead + 1;
    d.getElementById('place').textContent = place;
    d.title = '(' + place + ') ' + title;
    if (board.on_duty && board.seconds_per_call) {
      d.getElementById('wait').textContent = minutes(place * board.seconds_per_call);
    }
    if (step(place) !== said) d.getElementById('live').textContent = my.live.replace('{place}', place);
    said = step(place);
    next(Math.min(600, Math.max(5, place * (board.seconds_per_call || 60) / 20)));
  }

  /* Something happened that only the page itself can tell. Never under the fingers of somebody who is writing. */
  function look() {
    var box = d.getElementById('text'), last = 0;
    if (box && box.value && d.activeElement === box) {
      d.getElementById('changed').hidden = false;
      return next(10);
    }
    try { last = +sessionStorage.getItem('looked') || 0; sessionStorage.setItem('looked', Date.now()); } catch (e) {}
    if (Date.now() - last < 8000) return next(10);
    location.replace(my.here);
  }

  function next(seconds) {
    clearTimeout(timer);
    if (d.hidden) seconds = Math.max(seconds, 60);
    timer = setTimeout(tick, seconds * 1000 * (0.8 + Math.random() * 0.4));
  }

  function tick() {
    clearTimeout(timer);
    fetch(my.board, { credentials: 'omit', cache: 'no-store' }).then(function (r) {
      if (!r.ok) throw r.status;
      return r.json();
    }).then(function (board) { fails = 0; show(board); })['catch'](function () {
      fails++;
      d.documentElement.className = 'is-offline';
      next(Math.min(120, 5 * Math.pow(2, fails)));
    });
  }

  d.addEventListener('visibilitychange', function () { if (!d.hidden) tick(); });
  addEventListener('online', tick);
  next(5);
})();
