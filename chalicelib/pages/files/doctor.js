/* The doctor's pages: messages come and go without a reload, the note saves itself, nothing is signed twice. */
(function () {
  var d = document, form = d.getElementById('visit'), over = d.getElementById('over');
  function at(id) { return d.getElementById(id); }
  function each(list, act) { Array.prototype.forEach.call(list, act); }
  function kept(key, value) {
    try {
      if (value === undefined) return sessionStorage.getItem(key);
      if (value === null) sessionStorage.removeItem(key); else sessionStorage.setItem(key, value);
    } catch (e) { /* a browser that keeps nothing: the form still works */ }
    return null;
  }
  function clear(visit) { each(['finish', 'note', 'say'], function (what) { kept(what + visit, null); }); }
  if (over) clear(over.dataset.visit);

  /* Another doctor has the patient now: what lies in this tab unsaved is shown, to be copied. */
  var left = at('left'), parts = [];
  function found(text) { if (text && text.trim()) parts.push(text); }
  if (left) {
    each(['note', 'finish'], function (what) {
      var one = JSON.parse(kept(what + left.dataset.visit) || '{}'), name;
      if (!one.at) for (name in one) if (/^(subjective|objective|assessment|plan|summary|(medicine|dose|advice)_\d+)$/.test(name)) found(one[name]);
    });
    found(kept('say' + left.dataset.visit));
    each(parts, function (text) {
      var p = d.createElement('p');
      p.className = 'kept';
      p.textContent = text;
      left.querySelector('div').appendChild(p);
    });
    left.hidden = !parts.length;
    left.querySelector('button').onclick = function () { clear(left.dataset.visit); left.hidden = true; };
  }
  if (!form || !window.fetch || !window.crypto) return;
  var my = form.dataset, soap = ['subjective', 'objective', 'assessment', 'plan'];
  var epoch = form.elements.epoch ? form.elements.epoch.value : '';

  function newId() {
    var bytes = new Uint8Array(16), id = '';
    crypto.getRandomValues(bytes);
    each(bytes, function (b) { id += ('0' + b.toString(16)).slice(-2); });
    return id;
  }

  /* One request. `done(answer)`, or `failed(words)` with what the clinic says, "" when it could not be reached. */
  function post(to, fields, done, failed) {
    fetch(my.visit + to, {
      method: 'POST', credentials: 'same-origin', keepalive: true,
      headers: { Accept: 'application/json', 'Content-Type': 'application/json' },
      body: JSON.stringify(fields)
    }).then(function (r) {
      if (r.status >= 500 || r.status === 429) throw r.status;
      return r.json().then(function (answer) { if (r.ok) done(answer); else failed(answer.detail || String(r.status)); });
    })['catch'](function () { failed(''); });
  }

  /* ---- the note. It lies in this tab until it is saved, and FRESH ms longer: the next page may have been written
     by the clinic just before the save came through. `base` and `page` say from which text it began and who wrote it:
     the clinic refuses to write over what another page saved. */
  var page = form.elements.page ? form.elements.page.value : '', saved = at('saved'), noteKey = 'note' + my.visit, FRESH = 30000, timer, saving, dirty, tries = 0;
  function note() {
    var found = { epoch: epoch };
    each(soap.concat(['base', 'page']), function (part) { found[part] = form.elements[part].value; });
    return found;
  }
  function tell(element, words, bad) {
    element.textContent = words;
    element.className = 'saved' + (bad ? ' no' : '');
  }
  function save() {
    clearTimeout(timer);
    if (!dirty || saving) return;
    saving = true;
    dirty = false;
    var fields = note();
    fields.request = newId();
    post('/note', fields, function (answer) {
      saving = false;
      tries = 0;
      tell(saved, my.saved.replace('#', answer.clock));
      form.elements.base.value = fields.base = answer.base;
      form.elements.page.value = fields.page = page;
      if (dirty) return save();
      fields.at = Date.now();
      kept(noteKey, JSON.stringify(fields));
    }, function (words) {
      saving = false;
      dirty = true;
      tell(saved, words || my.unsaved, true);
      if (words && at('save')) at('save').hidden = false; /* pressed, it leads to a page that shows both texts */
      if (!words) timer = setTimeout(save, Math.min(60, 4 * Math.pow(2, tries++)) * 1000);
    });
  }
  if (saved) {
    each(soap, function (part) {
      form.elements[part].addEventListener('input', function () {
        dirty = true;
        kept(noteKey, JSON.stringify(note()));
        clearTimeout(timer);
        timer = setTimeout(save, 1500);
      });
      form.elements[part].addEventListener('blur', save);
    });
    d.addEventListener('visibilitychange', function () { if (d.hidden) save(); });
    addEventListener('pagehide', save);
    addEventListener('online', save);
    if (at('save')) at('save').hidden = true;
    var mine = JSON.parse(kept(noteKey) || 'null');
    if (mine && mine.epoch === epoch && (!mine.at || Date.now() - mine.at < FRESH) && !d.querySelector('.problems')) {
      each(soap, function (part) {
        if (form.elements[part].value !== mine[part]) dirty = true;
        form.elements[part].value = mine[part];
      });
      each(['base', 'page'], function (one) { if (mine[one]) form.elements[one].value = mine[one]; });
      save();
    }
  }

  /* ---- the conversation */
  var talk = at('messages'), box = at('text'), sent = at('sent'), news = at('news'), quick;
  /* How far this page has listened. Our own messages do not count: one of the patient's may lie before them. */
  var heard = (talk ? talk.lastElementChild && talk.lastElementChild.dataset.id : news && news.dataset.id) || '';
  function line(one) {
    var li = d.createElement('li'), small = d.createElement('small'), author = d.createElement('bdi');
    author.textContent = one.author;
    small.appendChild(author);
    small.appendChild(d.createTextNode(' · ' + one.clock));
    li.appendChild(small);
    li.appendChild(d.createTextNode(one.text));
    return li;
  }
  function put(one, quiet) {
    var li = line(one), known = false, before = null;
    each(talk.children, function (other) {
      if (other.dataset.id === one.id) known = true;
      if (!before && other.dataset.id > one.id) before = other;
    });
    if (known) return;
    if (!one.patient) li.className = 'me';
    li.dataset.id = one.id;
    talk.insertBefore(li, before);
    if (at('silence')) at('silence').hidden = true;
    if (!quiet && one.patient) at('live').textContent = my.new + ': ' + one.text;
  }
  function say(words) {
    var request = newId(), tried = 0, button = at('send'), waiting;
    button.disabled = true;
    (function go() {
      clearTimeout(waiting);
      removeEventListener('online', go);
      post('/messages', { request: request, epoch: epoch, text: words }, function (answer) {
        button.disabled = false;
        tell(sent, '');
        if (box.value === words) box.value = '';
        kept('say' + my.visit, box.value);
        put(answer.message, true);
        if (quick) quick();
      }, function (said) {
        if (!box.value) box.value = words;
        kept('say' + my.visit, box.value);
        tell(sent, said || my.unsent, true);
        button.disabled = !said;
        if (said) return;
        waiting = setTimeout(go, Math.min(30, 2 * Math.pow(2, tried++)) * 1000);
        addEventListener('online', go);
      });
    })();
  }
  /* A page that listens is also the doctor's sign of life, hidden too. */
  function listen(state, signal) {
    return fetch(my.visit + '/messages?after=' + encodeURIComponent(heard), {
      signal: signal, credentials: 'same-origin', headers: { Accept: 'application/json' }
    }).then(function (r) { if (!r.ok) throw r.status; return r.json(); }).then(function (answer) {
      each(answer.messages, function (one) {
        if (talk) put(one);
        else if (one.patient && one.id > heard) {
          news.hidden = false;
          news.querySelector('ol').appendChild(line(one));
        }
        if (one.id > heard) heard = one.id;
      });
      return answer.messages.length;
    });
  }
  if ((talk || news) && window.pace) quick = pace(listen, box, 20, 20);
  if (talk) {
    if (!box.value) box.value = kept('say' + my.visit) || '';
    box.addEventListener('input', function () { kept('say' + my.visit, box.value); });
    at('send').addEventListener('click', function (event) {
      event.preventDefault();
      if (box.value.trim()) say(box.value); else box.focus();
    });
    each(form.querySelectorAll('[name=phrase]'), function (chip) {
      chip.addEventListener('click', function (event) {
        event.preventDefault();
        if (box.value.trim()) {
          box.value = box.value.replace(/\s+$/, '') + '\n' + chip.dataset.text;
          box.focus();
        } else say(chip.dataset.text);
      });
    });
    return;
  }

  /* ---- finishing */
  var sign = at('sign'), key = 'finish' + my.visit;
  form.addEventListener('submit', function () {
    setTimeout(function () { sign.disabled = true; sign.textContent = my.once; }, 0);
  });
  addEventListener('pageshow', function (event) { if (event.persisted) location.reload(); });
  each(form.querySelectorAll('[name=template]'), function (chip) {
    chip.addEventListener('click', function (event) {
      var summary = form.elements.summary, outcome = chip.dataset.outcome;
      event.preventDefault();
      summary.value = (summary.value.trim() ? summary.value.replace(/\s+$/, '') + '\n' : '') + chip.dataset.text;
      if (outcome && !form.querySelector('[name=outcome]:checked')) {
        form.querySelector('[name=outcome][value=' + outcome + ']').checked = true;
      }
      changed();
    });
  });
  each(form.querySelectorAll('.med select'), function (select) {
    var dose = at(select.id.replace('medicine', 'dose'));
    function presets() {
      var said = select.options[select.selectedIndex].dataset.d;
      return said ? said.split('|') : [];
    }
    select.addEventListener('change', function () { if (presets().length) dose.value = presets()[0]; });
    dose.addEventListener('focus', function () {
      var list = at('doses');
      list.textContent = '';
      each(presets(), function (one) {
        var option = d.createElement('option');
        option.value = one;
        list.appendChild(option);
      });
    });
  });
  /* What is typed here outlives a look back at the conversation; only in this tab, and until it is signed. */
  var skip = /^(request|proof|epoch|base|page|speaks|confirmed|template)$/;
  function changed() {
    var now = {}, part = at('medicines'), chosen = form.querySelector('[name=outcome]:checked');
    each(form.elements, function (field) {
      if (!field.name || skip.test(field.name) || soap.indexOf(field.name) >= 0) return;
      if (field.type !== 'radio') now[field.name] = field.value; else if (field.checked) now[field.name] = field.value;
    });
    if (part) {
      kept(key, JSON.stringify(now));
      part.hidden = !(chosen && chosen.value === 'prescription') && !part.querySelector('.wrong');
    }
  }
  if (at('medicines') && !d.querySelector('.problems')) {
    var before = JSON.parse(kept(key) || '{}');
    each(form.elements, function (field) {
      if (!(field.name in before)) return;
      if (field.type === 'radio') field.checked = field.value === before[field.name];
      else if (!field.value) field.value = before[field.name];
      if (field.value && field.tagName === 'SELECT') field.parentNode.parentNode.open = true;
    });
  }
  form.addEventListener('input', changed);
  form.addEventListener('change', changed);
  changed();
})();
