/* A page of a visit that could not be shown: asked for again, less and less often, and opened once it is there. */
(function () {
  var d = document, LEAST = 5, MOST = 120, fails = 0; /* seconds */
  if (!window.fetch) return;

  function next() {
    setTimeout(look, Math.min(MOST, LEAST * Math.pow(2, fails++)) * 1000 * (0.8 + Math.random() * 0.4));
  }

  function look() {
    fetch(location.href, {
      credentials: 'same-origin', cache: 'no-store', headers: { 'Accept': 'text/html' }
    }).then(function (r) {
      if (r.status === 429 || r.status >= 500) throw r.status;
      location.reload();
    })['catch'](next);
  }

  d.getElementById('again').hidden = false;
  next();
})();
