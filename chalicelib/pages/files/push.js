/* The worker's half of waking: what a push without words says, and where a tap on it leads. Served with the worker. */
(function () {
  /* The page left the words here in the patient's own language; nothing of them passes the push service. */
  function words() {
    return caches.open('wake').then(function (kept) { return kept.match('/wake-words'); }).then(function (found) {
      return found ? found.json() : { title: 'It is nearly your turn', body: '快轮到您了', url: '/' };
    });
  }

  self.addEventListener('push', function (event) {
    event.waitUntil(words().then(function (said) {
      return self.registration.showNotification(said.title, {
        body: said.body, tag: 'turn', renotify: true, data: { url: said.url }
      });
    }));
  });

  self.addEventListener('notificationclick', function (event) {
    var url = new URL(event.notification.data.url, self.location.origin).href;
    event.notification.close();
    event.waitUntil(self.clients.matchAll({ type: 'window', includeUncontrolled: true }).then(function (open) {
      for (var i = 0; i < open.length; i++) if (open[i].url.split('#')[0] === url) return open[i].focus();
      return self.clients.openWindow(url);
    }));
  });
})();
