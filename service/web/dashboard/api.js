// Requests to the server that the page came from. Addresses are relative: a path prefix before them stays.

import { language } from "./preferences.js";

const KEY = "forecaster.key";

/** A problem document, or that no answer came at all. */
export class Problem extends Error {
  constructor(status, title, detail, kind = null) {
    super(title);
    this.status = status;
    this.kind = kind;
    this.title = title;
    this.detail = detail;
  }

  /** Whether the gate stands in the way, which somebody may overrule. */
  get byGate() {
    return this.kind === "not-weighed" || this.kind === "gate-refuses";
  }

  /** Whether a key would help, or another one. */
  get wantsKey() {
    return this.status === 401 || this.status === 403;
  }
}

export const key = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

export const part = encodeURIComponent;

/** The answer as JSON. Throws a `Problem`, or an AbortError where `signal` says so. */
export async function get(path, signal) {
  return ask(path, { signal });
}

export async function post(path, body) {
  return ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

async function ask(path, options) {
  const headers = { Accept: "application/json", "Accept-Language": language() === "zh" ? "zh-CN" : "en" };
  if (key.get()) headers.Authorization = `Bearer ${key.get()}`;
  let response;
  try {
    response = await fetch(path, { ...options, headers: { ...headers, ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, null, null);
  }
  const document = await response.json().catch(() => null);
  if (response.ok && document !== null) return document;
  const kind = document?.type?.split(":").at(-1) ?? null;
  throw new Problem(response.status, document?.title ?? `HTTP ${response.status}`, document?.detail ?? null, kind);
}

let listed = null;

/** All symbols, asked for once; again after `forget`. */
export function symbols() {
  listed ??= get("v1/symbols").catch((error) => {
    listed = null;
    throw error;
  });
  return listed;
}

export function forget() {
  listed = null;
}
