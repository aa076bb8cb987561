/* Everything that the console's pages do by script, apart from htmx.

   <a href="/storage/datasets/ID/share" data-dialog>   opens what the address answers in the one <dialog>
   <a href="..." data-dialog-close>                    closes the dialog; on a page it is the link that it is
   <button data-copy="text"> / data-copy-from="#id">   copies, says "Copied" (or data-copied) in place and to screen readers
   data-focus                                          where focus goes once a fragment is swapped in
   <progress data-progress hidden>                     in a form: how much of what the form sends has been sent
   HX-Trigger: {"announce": {"message": "..."}}        shows a message and reads it out

   Every page works without this file; see templates/base.html for the elements that it uses. */

"use strict";

(() => {
  const dialog = document.getElementById("dialog");
  const content = document.getElementById("dialog-content");
  const TOAST_MILLISECONDS = 6000;
  let opener = null;

  /* Messages. While a modal dialog is open everything outside it is inert, so it has a live region of its own. */

  function say(message, visibly = true) {
    const inDialog = dialog?.open;
    const region = document.getElementById(inDialog ? "dialog-toasts" : "toasts");
    if (!region || !message) return;
    const toast = document.createElement("div");
    toast.className = visibly ? "toast" : "visually-hidden";
    toast.textContent = message;
    region.append(toast);
    setTimeout(() => toast.remove(), TOAST_MILLISECONDS);
  }

  document.addEventListener("announce", (event) => say(event.detail.message ?? event.detail.value));

  /* Headings, rows and regions take focus too, where a swap has taken away what had it. */

  function focusOn(element) {
    if (!element) return;
    if (!element.matches("a, button, input, select, textarea, [tabindex]")) element.tabIndex = -1;
    element.focus();
  }

  /* The dialog. */

  function isPlainClick(event) {
    return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  }

  function focusableOpener(element) {
    // A menu closes when one of its items is used, so focus has to come back to the button that opened the menu.
    const menu = element.closest("[popover]");
    if (!menu) return element;
    if (menu.matches(":popover-open")) menu.hidePopover();
    return document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`) ?? element;
  }

  async function openDialog(link) {
    // A link in the open dialog leads to another one, which takes its place.
    if (!dialog.open) opener = focusableOpener(link);
    let answered = false;
    const remember = () => (answered = true);
    if (!dialog.open) content.replaceChildren(); // htmx asks nothing on behalf of a link that is gone
    content.addEventListener("htmx:afterSwap", remember, { once: true });
    await htmx.ajax("GET", link.href, { target: content, swap: "innerHTML", source: link });
    content.removeEventListener("htmx:afterSwap", remember);
    if (!answered) {
      // Refused, gone or offline: the address says so as a page.
      window.location.assign(link.href);
      return;
    }
    if (!dialog.open) dialog.showModal();
    focusOn(content.querySelector("[data-focus], [autofocus]") ?? content.querySelector("#dialog-title"));
  }

  if (dialog) {
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-dialog]");
      if (!link || !isPlainClick(event)) return;
      event.preventDefault();
      openDialog(link);
    });

    dialog.addEventListener("click", (event) => {
      const onBackdrop = event.target === dialog;
      const closing = event.target.closest("[data-dialog-close]");
      if (!closing && !onBackdrop) return;
      event.preventDefault();
      dialog.close();
    });

    dialog.addEventListener("close", () => {
      for (const form of content.querySelectorAll("form.htmx-request")) htmx.trigger(form, "htmx:abort");
      content.replaceChildren();
      document.getElementById("dialog-toasts")?.replaceChildren();
      if (opener?.isConnected) opener.focus();
      opener = null;
    });
  }

  /* htmx: focus is never lost by a swap, and an error is never silent. */

  document.addEventListener("htmx:afterSettle", (event) => {
    const swapped = event.detail.elt;
    const wanted = swapped.matches?.("[data-focus]") ? swapped : swapped.querySelector?.("[data-focus]");
    if (wanted) {
      focusOn(wanted);
    } else if (document.activeElement === document.body || document.activeElement === dialog) {
      const landing = swapped.querySelector?.("[aria-invalid=true], #dialog-title, h1, h2") ?? swapped;
      focusOn(landing);
    }
  });

  const isOpeningDialog = (event) => event.detail.target === content && !dialog.open;

  document.addEventListener("htmx:responseError", (event) => {
    if (isOpeningDialog(event)) return;
    const { status } = event.detail.xhr;
    if (status === 403 || status === 404) say("That is not permitted any more. Reload the page to see what is.");
    else if (status === 429) say("That was too often. Wait a moment, then try again.");
    else say("That did not work. Try again; nothing was changed.");
  });

  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, (event) => {
      if (!isOpeningDialog(event)) say("The server cannot be reached. Check the connection, then try again.");
    });
  }

  /* The progress of a form that sends files. Once all is sent the bar has no value: the server is storing it. */

  document.addEventListener("htmx:xhr:progress", (event) => {
    const bar = event.target.querySelector?.("[data-progress]");
    if (!bar || bar.dataset.progress === "sent") return; // then it is the answer that comes in
    bar.hidden = false;
    bar.value = event.detail.total ? event.detail.loaded / event.detail.total : 0;
    if (event.detail.loaded < event.detail.total) return;
    bar.dataset.progress = "sent";
    bar.removeAttribute("value");
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const bar = event.target.querySelector?.("[data-progress]");
    if (!bar) return;
    bar.hidden = true;
    bar.dataset.progress = "";
  });

  /* Copy buttons. */

  async function copy(text) {
    if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea"); // plain http on another machine has no clipboard API
    area.value = text;
    area.className = "visually-hidden";
    (dialog?.open ? dialog : document.body).append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    if (!copied) throw new Error("refused");
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-copy-from]");
    if (!button) return;
    const source = button.dataset.copyFrom && document.querySelector(button.dataset.copyFrom);
    try {
      await copy(source ? (source.value ?? source.textContent) : button.dataset.copy);
    } catch {
      say("The browser did not let us copy. Select the text and copy it by hand.");
      return;
    }
    button.focus();
    button.classList.add("is-done");
    const label = button.querySelector("[data-copy-label]");
    const before = button.dataset.copyBefore ?? label?.textContent;
    const said = button.dataset.copied ?? "Copied";
    if (label) {
      button.dataset.copyBefore = before;
      label.textContent = said;
    }
    say(said, !label);
    setTimeout(() => {
      button.classList.remove("is-done");
      if (label) label.textContent = before;
    }, 2000);
  });

  /* Menus are popovers, which open and close by themselves; put each beside its button. */

  document.addEventListener(
    "toggle",
    (event) => {
      const menu = event.target;
      if (!menu.matches?.(".menu[popover]") || event.newState !== "open") return;
      const button = document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`);
      if (!button) return;
      const at = button.getBoundingClientRect();
      const gap = 4;
      const below = at.bottom + gap + menu.offsetHeight <= window.innerHeight;
      const top = below ? at.bottom + gap : Math.max(gap, at.top - gap - menu.offsetHeight);
      const left = Math.min(Math.max(gap, at.right - menu.offsetWidth), window.innerWidth - menu.offsetWidth - gap);
      Object.assign(menu.style, { inset: "auto", margin: "0", top: `${top}px`, left: `${left}px` });
    },
    true,
  );

  document.addEventListener(
    "scroll",
    (event) => {
      const menu = document.querySelector(".menu:popover-open");
      if (menu && !menu.contains(event.target)) menu.hidePopover();
    },
    true,
  );
})();
