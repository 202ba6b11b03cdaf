// Only makes things easier: every page works without it.
(() => {
  "use strict";
  const root = document.documentElement;
  const has = (place, name) => place && typeof place[name] === "function";

  // Copy buttons: <button data-copy="id of what is copied">.
  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    if (!source) return;
    const label = button.querySelector("span");
    const before = label.textContent;
    try {
      await navigator.clipboard.writeText((source.value ?? source.textContent).trim());
      label.textContent = button.dataset.copied;
    } catch {
      getSelection().selectAllChildren(source);
      label.textContent = button.dataset.selected;
    }
    setTimeout(() => { label.textContent = before; }, 2000);
  };

  // Passkeys: <form data-passkey="get|create" data-options="where the challenge is">.
  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  const readOptions = (json, how) => {
    const known = how === "create"
      ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON";
    if (has(window.PublicKeyCredential, known)) return PublicKeyCredential[known](json);
    const options = { ...json, challenge: bytes(json.challenge) };
    const decoded = (list) => list?.map((one) => ({ ...one, id: bytes(one.id) }));
    if (json.user) options.user = { ...json.user, id: bytes(json.user.id) };
    if (json.allowCredentials) options.allowCredentials = decoded(json.allowCredentials);
    if (json.excludeCredentials) options.excludeCredentials = decoded(json.excludeCredentials);
    return options;
  };

  const writeCredential = (credential) => {
    if (has(credential, "toJSON")) return credential.toJSON();
    const response = {};
    for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature",
      "userHandle"]) {
      if (credential.response[part]) response[part] = text(credential.response[part]);
    }
    if (has(credential.response, "getTransports")) {
      response.transports = credential.response.getTransports();
    }
    return {
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      authenticatorAttachment: credential.authenticatorAttachment,
      clientExtensionResults: credential.getClientExtensionResults(),
      response,
    };
  };

  const ceremony = async (form) => {
    const how = form.dataset.passkey;
    const problem = form.querySelector("[data-problem]");
    problem.hidden = true;
    try {
      const answer = await fetch(form.dataset.options, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const { data } = await answer.json();
      const { publicKey } = how === "create" ? data.creation_options : data.request_options;
      const credential = await navigator.credentials[how]({ publicKey: readOptions(publicKey, how) });
      form.elements.credential.value = JSON.stringify(writeCredential(credential));
      form.submit();
    } catch (error) {
      problem.hidden = false;
      if (error.name !== "NotAllowedError" && error.name !== "AbortError") console.error(error);
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-passkey]")) return;
    event.preventDefault();
    ceremony(event.target);
  });

  root.classList.add("has-script");
  if (window.PublicKeyCredential && navigator.credentials) root.classList.add("has-passkeys");
})();
