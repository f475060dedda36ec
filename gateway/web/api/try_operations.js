// Adds a form to each operation of the API's page, made from openapi.json: it sends the request with the reader's own key and
// shows the answer. The key stands in its field alone: in no storage, cookie or address.

const { components, paths, servers } = await (await fetch("openapi.json")).json();
const operations = new Map();
for (const [path, methods] of Object.entries(paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    operations.set(operation.operationId, { ...operation, method: method.toUpperCase(), path });
  }
}

const make = (tag, properties, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

const key = make("input", { type: "password", autocomplete: "off" });
const note = "To try operations, enter an API key. It is forgotten when you leave this page.";
document.querySelector("h2").before(make("p", {}, note), make("label", {}, "API key", key));
addEventListener("pagehide", () => (key.value = "")); // or it would be there again for who goes back to the page

// The smallest value that a schema allows, for the reader to begin with.
const makeExample = (schema) => {
  if (schema.$ref) return makeExample(components.schemas[schema.$ref.split("/").at(-1)]);
  if (schema.anyOf) return makeExample(schema.anyOf[0]);
  if (schema.type === "object") {
    return Object.fromEntries((schema.required ?? []).map((name) => [name, makeExample(schema.properties[name])]));
  }
  if (schema.type === "array") return schema.minItems ? [makeExample(schema.items)] : [];
  const plain = { string: "", boolean: false, integer: schema.minimum ?? 0 };
  return schema.const ?? schema.enum?.[0] ?? schema.examples?.[0] ?? plain[schema.type] ?? null;
};

const makeField = ({ name, required, schema }) => {
  const choices = schema.enum ?? schema.items?.enum ?? (schema.type === "boolean" ? [true, false] : null);
  const field = choices
    ? make("select", {}, ...(required ? [] : [new Option("")]), ...choices.map((choice) => new Option(choice)))
    : make("input", { placeholder: schema.examples?.[0] ?? "" });
  return Object.assign(field, { name, required, multiple: schema.type === "array" });
};

const makeBodyField = (content) => {
  if (content["application/json"]) {
    const example = makeExample(content["application/json"].schema);
    return make("textarea", { rows: 8, required: true, value: JSON.stringify(example, null, 2) });
  }
  return "application/octet-stream" in content
    ? make("input", { type: "file", required: true })
    : make("textarea", { rows: 2, required: true });
};

const makeRequest = ({ method, path, requestBody }, fields, bodyField) => {
  const headers = new Headers(key.value ? { Authorization: `Bearer ${key.value}` } : {});
  const query = new URLSearchParams();
  for (const { name, where, field } of fields) {
    if (where === "path") path = path.replace(`{${name}}`, encodeURIComponent(field.value));
    const values = [...(field.selectedOptions ?? [field])].map(({ value }) => value);
    if (where === "query") values.filter(Boolean).forEach((value) => query.append(name, value));
    if (where === "header" && field.value) headers.set(name, field.value);
  }
  if (bodyField) headers.set("Content-Type", Object.keys(requestBody.content)[0]);
  const url = `${servers[0].url}${path}${query.size ? `?${query}` : ""}`;
  return new Request(url, { method, headers, body: bodyField?.files?.[0] ?? bodyField?.value, credentials: "omit" });
};

// Text is shown as it comes, since a stream of events has no end; any other content is offered to be saved.
const showContent = async (answer, place) => {
  const type = answer.headers.get("Content-Type") ?? "";
  if (type.includes("json")) {
    place.textContent = JSON.stringify(await answer.json(), null, 2);
  } else if (type.startsWith("text/")) {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) place.append(part.value);
  } else if (answer.status !== 204) {
    const content = URL.createObjectURL(await answer.blob());
    place.append(make("a", { href: content, download: "" }, `Save the answer (${type})`));
  }
};

const addForm = (section, operation) => {
  const fields = operation.parameters.map((parameter) => {
    return { name: parameter.name, where: parameter.in, field: makeField(parameter) };
  });
  const bodyField = operation.requestBody && makeBodyField(operation.requestBody.content);
  const form = make("form", {}, ...fields.map(({ name, field }) => make("label", {}, name, field)));
  if (bodyField) form.append(make("label", {}, "Body", bodyField));
  form.append(make("button", {}, `Send ${operation.method}`));
  const status = make("p", { role: "status" });
  const content = make("pre", { role: "region", ariaLabel: "Answer", tabIndex: 0, hidden: true });
  section.lastElementChild.before(form, status, content); // the table of answers

  let current = new AbortController();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    current.abort();
    current = new AbortController();
    const { signal } = current;
    content.replaceChildren();
    content.hidden = false;
    status.textContent = "Sent …";
    try {
      const answer = await fetch(makeRequest(operation, fields, bodyField), { signal });
      const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`);
      status.textContent = [`${answer.status} ${answer.statusText}`, ...headers].join("\n");
      await showContent(answer, content);
    } catch (error) {
      if (!signal.aborted) status.textContent = String(error); // else the reader has sent another
    }
  });
};

// A form is made when its operation is opened for the first time. The event does not bubble.
const addFormOnce = (section) => {
  const operation = operations.get(section.id);
  if (section.open && operation && !section.querySelector("form")) addForm(section, operation);
};
document.addEventListener("toggle", (event) => addFormOnce(event.target), { capture: true });
document.querySelectorAll("details[open]").forEach(addFormOnce);
