/** Calls of the daemon: its own console API, and the public REST API as an app. Every call can be shown as curl. */

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface Call {
  method: Method;
  /** For a public call the path of the public API, else one below `/console/v1`. */
  path: string;
  body?: unknown;
  /** A public call is made as this app. */
  app?: string;
}

export type Query = Record<string, string | number | undefined | null>;

export class CallError extends Error {
  constructor(
    readonly status: number,
    /** A word of the console API, or a number of the public API. */
    readonly code: string | number,
    message: string,
  ) {
    super(inWords(code, message));
  }
}

const BASE = '/console/v1';

/** Set by the session: called when the daemon no longer knows it. */
let onNoSession: () => void = () => undefined;

export function whenSessionEnds(act: () => void): void {
  onNoSession = act;
}

/** Set by the session: what a code and its message are told as. */
let inWords: (code: string | number, message: string) => string = (_, message) => message;

export function tellFaults(words: typeof inWords): void {
  inWords = words;
}

export const get = (path: string, query: Query = {}): Call => ({ method: 'GET', path: path + search(query) });
export const call = (method: Method, path: string, body?: unknown): Call => ({ method, path, body });
export const rest = (app: string, method: Method, path: string, body?: unknown): Call => ({ method, path, body, app });

/** Parts of paths: ids and names go through it before they stand in one. */
export const part = encodeURIComponent;

export function search(query: Query): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return given.length ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : '';
}

const url = (one: Call): string => (one.app ? `${BASE}/apps/${part(one.app)}/rest${one.path}` : BASE + one.path);

export async function send<T = unknown>(one: Call): Promise<T> {
  const text = await raw(one).then((response) => response.text());
  return (text ? JSON.parse(text) : {}) as T;
}

/** The response itself, for what is no JSON. */
export async function raw(one: Call): Promise<Response> {
  const isForm = one.body instanceof FormData;
  const headers: Record<string, string> = { 'X-Anser-Console': '1' };
  if (one.body !== undefined && !isForm) headers['Content-Type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(url(one), {
      method: one.method,
      headers,
      body: one.body === undefined ? undefined : isForm ? (one.body as FormData) : JSON.stringify(one.body),
    });
  } catch {
    throw new CallError(0, 'unreachable', 'The daemon cannot be reached.');
  }
  if (response.ok) return response;
  const error = await readError(response);
  if (error.code === 'no_session') onNoSession();
  throw error;
}

async function readError(response: Response): Promise<CallError> {
  const text = await response.text();
  try {
    const answer = JSON.parse(text) as unknown;
    const error = (answer as { error?: { code?: string | number; message?: string } }).error;
    if (error) return new CallError(response.status, error.code ?? response.status, error.message ?? text);
    // Registration in bulk answers an array in which each item has an error of its own.
    const item = Array.isArray(answer)
      ? (answer.find((one) => one?.error) as { error?: { message?: string } })
      : undefined;
    return new CallError(response.status, response.status, item?.error?.message ?? text.slice(0, 500));
  } catch {
    return new CallError(response.status, response.status, text.slice(0, 500) || `HTTP ${response.status}`);
  }
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The command that does the same; secrets stand in it as variables. */
export function curl(one: Call): string {
  const words = ['curl'];
  if (one.app) words.push('-u "$APP_KEY:$MASTER_SECRET"');
  else words.push('-b "__Host-anser-console=$SESSION" -H \'X-Anser-Console: 1\'');
  if (one.method !== 'GET') words.push(`-X ${one.method}`);
  words.push(quote(location.origin + (one.app ? one.path : BASE + one.path)));
  if (one.body instanceof FormData) for (const name of one.body.keys()) words.push(`-F ${name}=@FILE`);
  else if (one.body !== undefined) words.push(`\\\n  -H 'Content-Type: application/json' -d ${shown(one)}`);
  return words.join(' ');
}

// No text that people type has these, so that none of theirs is taken for one of them.
const PASSWORD = '\uffffPASSWORD\uffff';
const FILE = '\uffffFILE\uffff';

/** The body; what nobody should see, or is too long to be seen, stands in it as what the shell puts there. */
function shown(one: Call): string {
  const isChange = one.path.endsWith('/session/password');
  const isPassword = (key: string): boolean => key.endsWith('password') || (isChange && ['old', 'new'].includes(key));
  const body = JSON.stringify(one.body, (key, value: unknown) => {
    if (typeof value !== 'string' || !value) return value;
    return isPassword(key) ? PASSWORD : key.endsWith('_base64') ? FILE : value;
  });
  return quote(body).replaceAll(PASSWORD, `'"$PASSWORD"'`).replaceAll(FILE, `'"$(base64 -w0 FILE)"'`);
}
