// What can be measured on a page as it stands. Gives { sideways, cut, small, words }: lists of words about what is wrong,
// and the words people see or hear.
() => {
  const wide = document.documentElement.clientWidth, LEAST = 44, found = { sideways: [], cut: [], small: [] };
  const name = e => `${e.tagName.toLowerCase()}${e.id ? '#' + e.id : ''}${e.className && e.className.split ? '.' + e.className.split(' ').join('.') : ''} "${(e.innerText || e.value || e.ariaLabel || '').trim().slice(0, 40)}"`;
  const hidden = e => { const r = e.getBoundingClientRect(); return !e.checkVisibility({ visibilityProperty: true }) || r.width <= 1 || r.height <= 1 || r.right <= 0; };
  const scrolls = e => { for (; e; e = e.parentElement) { if (/auto|scroll/.test(getComputedStyle(e).overflowX)) return true; } return false; };
  const inSentence = e => [...e.parentNode.childNodes].some(n => n.nodeType === 3 && n.data.trim().length > 1);
  const clipper = e => { for (; e && e !== document.documentElement; e = e.parentElement) { const s = getComputedStyle(e); if (/hidden|clip/.test(s.overflowX + s.overflowY)) return s.webkitLineClamp === 'none' && s.clipPath === 'none' ? e : null; } return null; };

  for (const e of document.body.querySelectorAll('*')) {
    if (hidden(e) || e.closest('svg') !== null && e.tagName !== 'svg') continue;
    const r = e.getBoundingClientRect();
    if ((r.right > wide + 1 || r.left < -1) && !scrolls(e.parentElement)) found.sideways.push(`${name(e)} from ${r.left | 0} to ${r.right | 0} of ${wide}`);
    if (e.tagName === 'BUTTON' && e.scrollWidth > e.clientWidth + 1) found.cut.push(name(e));
  }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || /STYLE|SCRIPT|OPTION|TEXTAREA/.test(e.tagName) || hidden(e)) continue;
    const edge = clipper(e); if (!edge) continue;
    range.selectNodeContents(texts.currentNode);
    const r = range.getBoundingClientRect(), c = edge.getBoundingClientRect();
    if (r.right > c.right + 1 || r.left < c.left - 1 || r.bottom > c.bottom + 2 || r.top < c.top - 2) found.cut.push(name(e));
  }
  if (document.scrollingElement.scrollWidth > wide + 1) found.sideways.push(`the page is ${document.scrollingElement.scrollWidth} wide, the window ${wide}`);

  for (const e of document.querySelectorAll('a[href],button,input:not([type=hidden]),select,textarea,summary')) {
    const touched = /checkbox|radio/.test(e.type) && e.closest('label') || e;
    if (hidden(touched) || inSentence(touched)) continue;
    const r = touched.getBoundingClientRect();
    if (Math.min(r.width, r.height) < LEAST - 0.5) found.small.push(`${name(touched)} ${Math.round(r.width)} x ${Math.round(r.height)}`);
  }

  // words in another language carry a lang of their own, secrets and names are not to be translated; what people typed stands in boxes and is not ours
  const words = [document.title], foreign = e => { const l = e.closest('[lang]'); return e.closest('[translate=no]') || l && l !== document.documentElement && l.lang !== document.documentElement.lang; };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) { const e = walk.currentNode.parentElement; if (!/STYLE|SCRIPT|NOSCRIPT|TEXTAREA/.test(e.tagName) && !foreign(e)) words.push(walk.currentNode.data.trim()); }
  for (const e of document.querySelectorAll('[aria-label],[placeholder],[alt],[title]')) if (!foreign(e)) words.push(e.ariaLabel || e.placeholder || e.alt || e.title);
  for (const e of document.querySelectorAll('*')) for (const k in e.dataset) if (/\s/.test(e.dataset[k])) words.push(e.dataset[k]);
  return { ...found, words: words.filter(Boolean) };
}
