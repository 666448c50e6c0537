/** Calls as curl. */

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { call, curl, get, rest } from '../src/api.ts';

before(() => {
  Object.defineProperty(globalThis, 'location', { value: { origin: 'https://push.example' }, configurable: true });
});

test('a public call is shown as the public call, with its credentials as variables', () => {
  assert.equal(
    curl(rest('abc', 'POST', '/v3/push', { alert: 'x' })),
    'curl -u "$APP_KEY:$MASTER_SECRET" -X POST \'https://push.example/v3/push\' \\\n' +
      '  -H \'Content-Type: application/json\' -d \'{"alert":"x"}\'',
  );
});

test('no text breaks out of its quotes', () => {
  assert.match(
    curl(rest('abc', 'POST', '/v3/push', { alert: "it's; rm -rf /" })),
    /'\{"alert":"it'\\''s; rm -rf \/"\}'$/,
  );
});

test('no password is shown, wherever in the body it stands', () => {
  const users = ['a', 'b'].map((username) => ({ username, password: `pw-${username}` }));
  const many = curl(rest('abc', 'POST', '/v1/users', users));
  assert.doesNotMatch(many, /pw-/);
  assert.match(many, /'\[\{"username":"a","password":"'"\$PASSWORD"'"\},\{/);
  for (const one of [
    call('PUT', '/session/password', { old: 'pw-1', new: 'pw-2' }),
    rest('abc', 'PUT', '/v1/users/a/password', { new_password: 'pw-1' }),
  ])
    assert.doesNotMatch(curl(one), /pw-/);
});

test('the bytes of a file are shown as the command that makes them', () => {
  const upload = curl(call('PUT', '/apps/x/push-certificates/production', { p12_base64: 'AAAA', password: '' }));
  assert.match(upload, /-d '\{"p12_base64":"'"\$\(base64 -w0 FILE\)"'","password":""\}'$/);
});

test('a text that looks like a variable stays a text', () => {
  const push = curl(rest('abc', 'POST', '/v3/push', { alert: '$PASSWORD $FILE$' }));
  assert.match(push, /'\{"alert":"\$PASSWORD \$FILE\$"\}'$/);
});

test('a call of the console is shown with its cookie as a variable', () => {
  assert.equal(
    curl(get('/apps', { q: 'a b', none: '' })),
    "curl -b \"__Host-anser-console=$SESSION\" -H 'X-Anser-Console: 1' 'https://push.example/console/v1/apps?q=a+b'",
  );
  assert.match(curl(call('DELETE', '/apps/x')), /-X DELETE/);
});
