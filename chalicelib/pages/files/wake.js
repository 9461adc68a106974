/* "Tell me when it is nearly my turn": offered only where this browser has a worker that can be woken. */
(function () {
  var d = document, n = navigator, card = d.getElementById('wake');
  if (!card || !window.fetch || !window.caches || !n.serviceWorker || !window.PushManager || !window.Notification) return;
  var my = card.dataset, button = card.querySelector('button'), said = card.querySelector('[role=status]');

  function bytes(key) {
    var raw = atob(key.replace(/-/g, '+').replace(/_/g, '/')), out = new Uint8Array(raw.length), i;
    for (i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
    return out;
  }

  /* The worker finds these words when it is woken; they stay on this phone. */
  function leaveWords() {
    var words = JSON.stringify({ title: my.title, body: my.body, url: my.here });
    return caches.open('wake').then(function (kept) { return kept.put('/wake-words', new Response(words)); });
  }

  function tellClinic(subscription) {
    return fetch(my.send, {
      method: 'POST', credentials: 'same-origin', body: JSON.stringify({ endpoint: subscription.endpoint }),
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' }
    }).then(function (answer) { if (!answer.ok) throw answer.status; });
  }

  n.serviceWorker.ready.then(function (worker) {
    if (!worker.pushManager || Notification.permission === 'denied') return;
    card.hidden = false;
    button.addEventListener('click', function () {
      button.disabled = true;
      Notification.requestPermission().then(function (answer) {
        if (answer !== 'granted') throw answer;
        return worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(my.key) });
      }).then(function (subscription) {
        return leaveWords().then(function () { return tellClinic(subscription); });
      }).then(function () {
        said.textContent = my.done;
        button.hidden = true;
      })['catch'](function () {
        said.textContent = my.failed;
        button.disabled = false;
      });
    });
  });
})();
