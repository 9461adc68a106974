/* The pace of an open conversation, the same for patient and doctor: quick after a word of either, then ever slower. */
(function () {
  /* seconds: between two questions at first and at last, where nobody looks, how old what the page knows of the visit
     may get before it asks, and how long an answer may take. A word makes it quick for one time, not for half a minute:
     who talks has a word every half minute, and would always ask every QUICK. Each time is up to SPREAD off: not
     everybody at once. */
  var QUICK = 3, SLOWER = 1.3, MOST = 12, HIDDEN = 60, STATE = 16, SPREAD = 0.2, PATIENCE = 60;
  var d = document;

  /* `ask(state, signal)` asks the clinic, and how the visit stands where `state`; it promises whether anything was new,
     and gives up at the signal. After a failure it is asked again in `first` seconds, then twice that, up to `most`.
     Gives back what makes it quick. */
  window.pace = function (ask, box, first, most) {
    var every = QUICK, fails = 0, turn = 0, known = Date.now(), due, timer;

    function next(seconds) {
      var ms = Math.max(seconds, d.hidden ? HIDDEN : 0) * 1000 * (1 - SPREAD + Math.random() * 2 * SPREAD);
      clearTimeout(timer);
      due = Date.now() + ms;
      timer = setTimeout(tick, ms);
    }

    /* Somebody wrote, writes or is about to. Never sooner than a clinic in trouble is to be asked again. */
    function quick() {
      every = QUICK;
      if (!fails && !d.hidden && due - Date.now() > QUICK * 1000) next(QUICK);
    }

    function slower() { return Math.min(MOST, every * SLOWER); }

    function tick(back) {
      var mine = ++turn, asked = Date.now(), stop = window.AbortController && new AbortController();
      var late = setTimeout(function () { /* an answer that never comes */
        if (stop) return stop.abort();
        turn++;
        next(most);
      }, PATIENCE * 1000);
      /* Also where the next question would come too late for it. */
      var state = back === true || asked - known + slower() * 1000 >= STATE * 1000;
      clearTimeout(timer);
      ask(state, stop ? stop.signal : undefined).then(function (fresh) {
        clearTimeout(late);
        if (state) known = Math.max(known, asked);
        if (mine !== turn) return;
        fails = 0;
        next(every = fresh ? QUICK : slower());
      }, function (why) {
        clearTimeout(late);
        if (mine !== turn || d.hidden && (why === 401 || why === 404)) return; /* signed out, nobody looks: no more */
        next(Math.min(most, first * Math.pow(2, fails++)));
      });
    }

    function back() { every = QUICK; tick(true); }

    d.addEventListener('visibilitychange', function () { if (!d.hidden) back(); });
    addEventListener('online', back);
    if (box) ['focus', 'input'].forEach(function (what) { box.addEventListener(what, quick); });
    next(every);
    return quick;
  };
})();
