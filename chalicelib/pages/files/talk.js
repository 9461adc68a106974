/* The conversation: new messages come by themselves, and nothing written is lost on a bad line. */
(function () {
  var d = document, say = d.getElementById('say'), list = d.getElementById('talk');
  if (!say || !window.fetch) return;
  var my = say.dataset, form = say.querySelector('form'), box = d.getElementById('text');
  var known = list.querySelectorAll('[data-id]');
  /* The newest message that came with the page or a poll. Not our own just sent: one of the doctor's may lie before it. */
  var heard = known.length ? known[known.length - 1].dataset.id : '';
  var sent = 0, asks = 0, quick;
  var store = {
    get: function (name) { try { return sessionStorage.getItem(name + my.to) || ''; } catch (e) { return ''; } },
    set: function (name, value) { try { sessionStorage.setItem(name + my.to, value); } catch (e) {} }
  };
  var out = JSON.parse(store.get('out') || '[]'); /* written but not yet answered: [request, text] */

  function newId() {
    var bytes = new Uint8Array(16), id = '', i;
    crypto.getRandomValues(bytes);
    for (i = 0; i < 16; i++) id += ('0' + bytes[i].toString(16)).slice(-2);
    return id;
  }

  function bubble(mine, head, text) {
    var li = d.createElement('li'), small = d.createElement('small');
    if (mine) li.className = 'me';
    small.textContent = head;
    li.appendChild(small);
    li.appendChild(d.createTextNode(text));
    list.appendChild(li);
    return li;
  }

  /* A message as the server has it, in its place: ids sort by time. */
  function put(said) {
    var all = list.children, i, li;
    for (i = 0; i < all.length; i++) if (all[i].dataset.id === said.id) return false;
    li = bubble(said.mine, (said.mine ? my.you : said.name) + ' · ' + said.time, said.text);
    li.dataset.id = said.id;
    for (i = 0; i < all.length; i++) {
      if (all[i].dataset.id > said.id) { list.insertBefore(li, all[i]); break; }
    }
    return true;
  }

  function keep() { store.set('out', JSON.stringify(out)); }

  function done(request) {
    out = out.filter(function (one) { return one[0] !== request; });
    keep();
  }

  function wrong(message) {
    var old = d.getElementById('text-error'), p = old || d.createElement('p');
    p.className = 'error';
    p.id = 'text-error';
    p.setAttribute('role', 'alert');
    p.textContent = message;
    if (!old) box.parentNode.insertBefore(p, box);
  }

  function send(one) {
    var li = list.querySelector('[data-request="' + one[0] + '"]') || bubble(true, '', one[1]), small = li.firstChild, old = li.querySelector('button');
    if (old) li.removeChild(old);
    li.dataset.request = one[0];
    li.className = 'me';
    small.textContent = my.you + ' · ' + my.sending;
    fetch(my.to, {
      method: 'POST', credentials: 'same-origin',
      headers: { 'Accept': 'application/json', 'Content-Type': 'application/json' },
      body: JSON.stringify({ request: one[0], text: one[1] })
    }).then(function (r) {
      if (r.status >= 500) throw r.status;
      return r.json().then(function (answer) {
        done(one[0]);
        list.removeChild(li);
        if (r.ok) return put(answer.message) && quick && quick();
        box.value = box.value ? one[1] + '\n' + box.value : one[1];
        store.set('draft', box.value);
        wrong(answer.detail);
        d.getElementById('changed').hidden = r.status !== 409;
      });
    })['catch'](function () {
      var again = d.createElement('button');
      li.className = 'me lost';
      small.textContent = my.lost;
      again.className = 'btn two';
      again.type = 'button';
      again.textContent = my.again;
      again.onclick = function () { send(one); };
      li.appendChild(again);
    });
  }

  form.addEventListener('submit', function (event) {
    var one = [form.elements.request.value, box.value.trim()], old = d.getElementById('text-error');
    event.preventDefault();
    if (old) old.textContent = '';
    box.focus();
    if (!one[1]) return Date.now() - sent > 2000 && wrong(my.empty); /* a second tap is not an empty message */
    sent = Date.now();
    form.elements.request.value = newId();
    box.value = '';
    store.set('draft', '');
    out.push(one);
    keep();
    send(one);
  });
  box.addEventListener('input', function () { store.set('draft', box.value); });
  if (!box.value) box.value = store.get('draft');
  out.forEach(send);

  /* Something has happened while somebody writes: the words stay, and what stands above them is not true any more. */
  window.movedOn = function () {
    var changed = d.getElementById('changed'), told = d.querySelector('#ticket .tear');
    changed.hidden = false;
    d.title = changed.firstChild.textContent.trim();
    if (told) told.style.visibility = 'hidden';
  };

  function ask(state, signal) {
    var root = d.documentElement, mine = ++asks;
    return fetch(my.to + '?after=' + encodeURIComponent(heard) + (state ? '&state=yes' : ''), {
      signal: signal, credentials: 'same-origin', cache: 'no-store', headers: { 'Accept': 'application/json' }
    }).then(function (r) {
      if (r.status === 404) location.replace(my.here); /* forgotten in another tab */
      if (!r.ok) throw r.status;
      return r.json();
    }).then(function (answer) {
      var fresh = answer.messages.map(put).indexOf(true) >= 0;
      if (answer.messages.length) heard = answer.messages[answer.messages.length - 1].id;
      if (root.className) out.forEach(send);
      root.className = '';
      if (answer.state && answer.state !== my.state) {
        if (!box.value) return fetch(my.here, { signal: signal, credentials: 'same-origin', cache: 'no-store' }).then(function (r) {
          if (!r.ok && r.status !== 404 && r.status !== 410) throw r.status; /* a page that asks no more: not yet */
          return new Promise(function () { location.replace(my.here); }); /* and asks no more */
        });
        movedOn();
      }
      return fresh;
    })['catch'](function (why) {
      if (mine === asks) root.className = 'is-offline';
      throw why;
    });
  }

  if (my.poll && window.pace) quick = pace(ask, box, 8, 120);
})();
