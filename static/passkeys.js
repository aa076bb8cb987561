/* Says in the page why a passkey could not be used; django-allauth's scripts talk to the browser about it.

   <form data-passkey> ... <p role="alert" hidden></p></form>   where it is said */

"use strict";

(() => {
  const reasons = {
    NotAllowedError: "The passkey was not used: the question was cancelled, or took too long. Try again.",
    InvalidStateError: "This passkey belongs to the account already.",
    SecurityError: "Passkeys do not work at this address. The administrator has to configure the server's public URL.",
  };
  const otherwise = "The passkey could not be used. Try again, or sign in another way.";

  document.addEventListener("allauth.error", (event) => {
    const place = document.querySelector("form[data-passkey] [role=alert]");
    if (!place) return;
    event.preventDefault();
    place.textContent = reasons[event.detail.exception?.name] ?? otherwise;
    place.hidden = false;
  });

  if (!window.PublicKeyCredential) {
    for (const button of document.querySelectorAll("form[data-passkey] button[type=button]")) {
      button.disabled = true;
    }
  }
})();
