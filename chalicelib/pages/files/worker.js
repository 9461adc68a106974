/* Without a line: the ticket as this phone last saw it, or a page that says so. The waiting room (wait.js) keeps both
   and nothing else is kept; they go when the visit moves on, and all of them when this phone is to forget. */
(function () {
  var base = location.pathname.replace(/worker\.js$/, ''), DAY = 864e5;

  function forget() {
    return caches.keys().then(function (names) {
      return Promise.all(names.map(function (name) { return /^(ticket |wake$)/.test(name) && caches['delete'](name); }));
    }).then(function () { return registration.unregister(); });
  }

  /* What the network says is true: a waiting room keeps itself anew, and nothing else of a visit is kept. A clinic that
     cannot answer says nothing: the kept ticket asks again, a page that says sorry does not. */
  function moved(visit, answer) {
    if (!visit) return answer;
    if (answer.status === 429 || answer.status >= 500) return ticket(visit).then(function (found) { return found || answer; });
    return caches['delete']('ticket ' + visit).then(function () { return answer; });
  }

  function ticket(visit) {
    return caches.match(base + 'kept/' + visit).then(function (found) {
      return found && Date.now() - Date.parse(found.headers.get('date')) < DAY && found;
    });
  }

  function offline(language) {
    var page = base + 'offline';
    return caches.match(page + '?' + language).then(function (found) {
      return found || caches.match(page, { ignoreSearch: true });
    });
  }

  addEventListener('install', skipWaiting);
  addEventListener('activate', function (e) { e.waitUntil(clients.claim()); });
  addEventListener('fetch', function (e) {
    var asked = e.request, path = new URL(asked.url).pathname.slice(base.length).split('/');
    var visit = path[1] === 'visits' && !path[3] && path[2];
    if (asked.mode !== 'navigate') return;
    if (asked.method !== 'GET') return path[1] === 'forget' && e.waitUntil(forget());
    e.respondWith(fetch(asked).then(moved.bind(null, visit), function () {
      return Promise.resolve(visit && ticket(visit)).then(function (found) {
        return found || offline(path[0]);
      }).then(function (found) { return found || Response.error(); });
    }));
  });
})();
