/* Sends the form of the secure token link by itself. It runs before the page has finished loading, so that the page
   leaves no entry in the history: going back leads to the school's portal, not to a link that is used up. */
(function () {
  "use strict";
  const form = document.querySelector("[data-goes-by-itself]");
  if (!form) return;
  let sent = false;
  // A second click while the answer is on its way would bring a token that is used up.
  form.addEventListener("submit", function (event) {
    if (sent) event.preventDefault();
    sent = true;
  });
  // Where the browser kept the page as it was, its button works again.
  addEventListener("pageshow", function (event) { if (event.persisted) sent = false; });
  form.requestSubmit();
})();
