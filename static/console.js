/* Everything that the console's pages do by script, apart from htmx.

   <a href="/storage/datasets/ID/share" data-dialog>   opens what the address answers in the one <dialog>
   <a href="..." data-dialog-close>                    closes the dialog; on a page it is the link that it is
   <button data-copy="text"> / data-copy-from="#id">   copies, says "Copied" (or data-copied) in place and to screen readers
   data-focus                                          where focus goes once a fragment is swapped in
   <progress data-progress hidden>                     in a form: how much of what the form sends has been sent
   <h1 data-problem>                                   in the answer to a refused request: what to say of it; a value of the
                                                       attribute is said instead, and then the dialog stays as it is
   <p hx-trigger="every 1s" data-by-itself>             asks by itself: its swaps leave the focus where it is or give it to what took its place, it waits out a server that
                                                       cannot be reached, and ends when it is refused
   <pre data-keeps-end>                                grows at its end, which stays in view unless the user scrolled up
   HX-Trigger: {"announce": {"message": "..."}}        shows a message and reads it out

   Every page works without this file; see templates/base.html for the elements that it uses. */

"use strict";

(() => {
  const dialog = document.getElementById("dialog");
  const content = document.getElementById("dialog-content");
  const TOAST_MILLISECONDS = 6000;
  const SLOW_MILLISECONDS = 400;
  let opener = null;
  let address = "";
  let loading = false;

  /* Messages. While a modal dialog is open everything outside it is inert, so it has a live region of its own. */

  function toast(message, className) {
    const region = document.getElementById(dialog?.open ? "dialog-toasts" : "toasts");
    if (!region || !message) return null;
    const element = document.createElement("div");
    element.className = className;
    element.textContent = message;
    region.append(element);
    return element;
  }

  function say(message, visibly = true) {
    const said = toast(message, visibly ? "toast" : "visually-hidden");
    setTimeout(() => said?.remove(), TOAST_MILLISECONDS);
  }

  /* An error stays until it is dismissed, for there is something to do about it. */

  function complain(message) {
    for (const before of document.querySelectorAll(".toast-bad")) before.remove();
    const said = toast(message, "toast toast-bad");
    if (!said) return;
    const dismiss = document.createElement("button");
    dismiss.type = "button";
    dismiss.className = "button button-small";
    dismiss.textContent = "Dismiss";
    dismiss.addEventListener("click", () => said.remove());
    said.append(dismiss);
  }

  document.addEventListener("announce", (event) => say(event.detail.message ?? event.detail.value));

  /* Headings, rows and regions take focus too, where a swap has taken away what had it. */

  function focusOn(element) {
    if (!element) return;
    if (!element.matches("a, button, input, select, textarea, [tabindex]")) element.tabIndex = -1;
    element.focus();
  }

  function sameIn(root, element) {
    const href = element.getAttribute("href");
    if (element.id) return root?.querySelector(`#${CSS.escape(element.id)}`);
    if (element.matches("h1")) return document.querySelector("h1");
    return href && root?.querySelector(`a[href="${CSS.escape(href)}"]`);
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

  async function load(source) {
    let answered = false;
    const remember = () => (answered = true);
    content.addEventListener("htmx:afterSwap", remember, { once: true });
    loading = true;
    await htmx.ajax("GET", address, { target: content, swap: "innerHTML", source });
    loading = false;
    content.removeEventListener("htmx:afterSwap", remember);
    return answered;
  }

  function focusInDialog() {
    focusOn(content.querySelector("[data-focus], [autofocus]") ?? content.querySelector("#dialog-title"));
  }

  async function openDialog(link) {
    // A link in the open dialog leads to another one, which takes its place.
    if (!dialog.open) opener = focusableOpener(link);
    const busy = dialog.open ? link : opener;
    address = link.href;
    if (!dialog.open) content.replaceChildren(); // htmx asks nothing on behalf of a link that is gone
    busy.setAttribute("aria-busy", "true");
    const slow = setTimeout(() => say("Loading", false), SLOW_MILLISECONDS);
    const answered = await load(link);
    clearTimeout(slow);
    busy.removeAttribute("aria-busy");
    if (!answered) {
      // Refused, gone or offline: the address says so as a page.
      window.location.assign(address);
      return;
    }
    if (!dialog.open) dialog.showModal();
    focusInDialog();
  }

  /* What the dialog showed was no longer so: show what is, or when nothing of it is left, say why. */

  async function refreshDialog(problem) {
    const answered = await load(content);
    if (!answered) {
      content.replaceChildren(document.getElementById("dialog-refused").content.cloneNode(true));
      content.querySelector("[data-said]").textContent = problem;
    }
    focusInDialog();
    if (answered) complain(problem);
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
      // A quick user has gone on by now, for this comes after the dialog has gone; and what opened it may have been
      // replaced in the meantime, by a page that follows a run.
      const isLost = document.activeElement === document.body || dialog.contains(document.activeElement);
      if (opener && isLost) focusOn(opener.isConnected ? opener : (sameIn(document, opener) ?? document.querySelector("h1")));
      opener = null;
    });
  }

  /* htmx: focus is never lost by a swap, and an error is never silent. */

  /* A swap that comes by itself may replace what has the focus: then what took its place gets it, or where it was. */

  let replaced = null;

  document.addEventListener("htmx:beforeSwap", (event) => {
    const had = document.activeElement;
    // Nothing has it when another swap has just taken it away, and has not given it back yet.
    if (isByItself(event) && had !== document.body) replaced = { had, placeId: had?.parentElement?.closest("[id]")?.id };
  });

  function giveBackFocus() {
    const { had, placeId } = replaced ?? {};
    replaced = null;
    if (!had || had.isConnected || document.activeElement !== document.body) return;
    const place = document.getElementById(placeId ?? "") ?? document.querySelector("h1");
    focusOn(sameIn(place, had) ?? place?.querySelector("a[href], button, input, select, textarea") ?? place);
  }

  const isByItself = (event) => event.detail.requestConfig?.elt.matches("[data-by-itself]") ?? false;

  document.addEventListener("htmx:afterSettle", (event) => {
    if (isByItself(event)) return giveBackFocus();
    const swapped = event.detail.elt;
    const wanted = swapped.matches?.("[data-focus]") ? swapped : swapped.querySelector?.("[data-focus]");
    if (wanted) {
      focusOn(wanted);
    } else if (document.activeElement === document.body || document.activeElement === dialog) {
      const landing = swapped.querySelector?.("[aria-invalid=true], #dialog-title, h1, h2") ?? swapped;
      focusOn(landing);
    }
  });

  const isLoadingDialog = (event) => loading && event.detail.target === content;

  document.addEventListener("htmx:responseError", (event) => {
    if (isLoadingDialog(event)) return; // the code that loads it handles it
    const { status, responseText } = event.detail.xhr;
    const answer = new DOMParser().parseFromString(responseText, "text/html").querySelector("[data-problem]");
    const problem = answer?.dataset.problem || answer?.textContent.trim();
    const isStale = status === 403 || status === 404;
    if (isByItself(event)) {
      if (!isStale) return; // it asks again
      event.detail.requestConfig.elt.remove();
    }
    if (isStale && !answer?.dataset.problem && dialog?.contains(event.detail.elt)) {
      refreshDialog(problem ?? "That is not permitted any more.");
    } else if (isStale) {
      complain(problem ?? "That is not permitted any more. Reload the page to see what is.");
    } else if (status === 429) {
      complain("That was too often. Wait a moment, then try again.");
    } else {
      complain("That did not work. Try again; nothing was changed.");
    }
  });

  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, (event) => {
      if (!isLoadingDialog(event) && !isByItself(event)) complain("The server cannot be reached. Check the connection, then try again.");
    });
  }

  /* What grows at its end, such as a log. */

  const SLACK_PIXELS = 24;

  function isAtEnd(element) {
    return element.scrollHeight - element.scrollTop - element.clientHeight <= SLACK_PIXELS;
  }

  function showEnd(element) {
    element.scrollTop = element.scrollHeight;
  }

  document.addEventListener("htmx:beforeSwap", (event) => {
    const growing = event.detail.target.closest?.("[data-keeps-end]");
    if (growing) growing.dataset.keepsEnd = isAtEnd(growing) ? "yes" : "no";
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    const growing = event.detail.target.closest?.("[data-keeps-end]");
    if (growing?.dataset.keepsEnd === "yes") showEnd(growing);
  });

  for (const growing of document.querySelectorAll("[data-keeps-end]")) showEnd(growing);

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
      complain("The browser did not let us copy. Select the text and copy it by hand.");
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
