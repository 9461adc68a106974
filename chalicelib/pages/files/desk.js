/* The paper ticket: a button that prints it. */
(function () {
  'use strict';
  var button = document.getElementById('print'), hint = document.getElementById('print-hint');
  if (!button || !window.print) return;
  button.hidden = false;
  if (hint) hint.hidden = true;
  button.addEventListener('click', function () { window.print(); });
})();
