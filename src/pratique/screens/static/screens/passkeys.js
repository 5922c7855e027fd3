/* Passkeys: shows what needs them where the browser has them, and says so when making or using one did not work.
   The work itself is allauth's mfa/js/webauthn.js. */
(function () {
  "use strict";
  if (!window.PublicKeyCredential) return;
  document.querySelectorAll("[data-needs-passkeys]").forEach(function (part) { part.hidden = false; });
  document.addEventListener("allauth.error", function (event) {
    const told = document.querySelector("[data-passkey-trouble]");
    if (!told) return;
    event.preventDefault();
    told.hidden = false;
  });
})();
