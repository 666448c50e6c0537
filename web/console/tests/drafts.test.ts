/** What the push sender makes of its form. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { audienceOf, blank, draftOf, hasAudience, leftOut, payloadOf, roomOf, type Draft } from '../src/push-draft.ts';
import { inZone, zoneOf } from '../src/zone.ts';

test('a text to everybody is the smallest push', () => {
  const draft = blank();
  draft.alert = 'hello';
  draft.audience.isAll = true;
  draft.ios.badge = '';
  draft.ios.sound = '';
  assert.deepEqual(payloadOf(draft), {
    platform: 'all',
    audience: 'all',
    notification: {
      alert: 'hello',
      android: { alert: 'hello' },
      ios: { alert: 'hello' },
      hmos: { alert: 'hello' },
      quickapp: { alert: 'hello' },
    },
  });
});

test('a title goes to every platform that is drawn with one', () => {
  const draft = blank();
  draft.title = 'T';
  draft.alert = 'hello';
  draft.audience.isAll = true;
  const { hmos, quickapp } = payloadOf(draft).notification as Record<string, unknown>;
  assert.deepEqual([hmos, quickapp], Array(2).fill({ alert: 'hello', title: 'T' }));
});

test('kinds of an audience that are empty are left out, and none at all is no audience', () => {
  const draft = blank();
  assert.equal(hasAudience(draft), false);
  draft.audience.tag = ['a', 'b'];
  draft.audience.segment = '7';
  assert.deepEqual(audienceOf(draft), { tag: ['a', 'b'], segment: ['7'] });
});

test('only the platforms chosen get a block of their own', () => {
  const draft = blank();
  draft.alert = 'x';
  draft.platforms = ['ios'];
  draft.audience.isAll = true;
  const notification = payloadOf(draft).notification as Record<string, unknown>;
  assert.deepEqual(Object.keys(notification), ['alert', 'ios']);
});

test('development of iOS is said, though it is false', () => {
  const draft = blank();
  draft.platforms = ['ios'];
  draft.ios.production = 'no';
  assert.deepEqual(payloadOf(draft).options, { apns_production: false });
});

test('a badge may be set, cleared, raised or left', () => {
  const badge = (kind: string): unknown => {
    const draft = blank();
    draft.ios.badge = kind;
    draft.ios.badgeNumber = 7;
    return (payloadOf(draft).notification as { ios: { badge?: unknown } }).ios.badge;
  };
  assert.deepEqual(['set', 'clear', '+1', ''].map(badge), [7, 0, '+1', undefined]);
});

test('room is counted in bytes, not in letters', () => {
  const draft = blank();
  draft.what = 'message';
  draft.message.content = '雁';
  const android = roomOf(draft).find((room) => room.label === 'Android');
  assert.equal(android?.used, new TextEncoder().encode('{"msg_content":"雁"}').length);
});

test('what a draft cannot have of a push is named', () => {
  assert.deepEqual(leftOut(payloadOf(fullNotification())), []);
  assert.deepEqual(leftOut({ platform: ['web'], notification: { web: { alert: 'x' } }, options: { sendno: 1 } }), []);
  const push = {
    audience: { alias: ['a'], live_activity_id: 'x' },
    notification: {
      android: { alert: 'x', large_icon: 'i' },
      ios: { alert: { body: 'x', 'loc-key': 'k' }, sound: { critical: 1 } },
    },
    message: { msg_content: 'y' },
    options: { third_party_channel: {}, test_model: true },
    sms_message: {},
  };
  assert.deepEqual(leftOut(push), [
    'message',
    'sms_message',
    'audience.live_activity_id',
    'notification.android.large_icon',
    'notification.ios.alert.loc-key',
    'notification.ios.sound.critical',
    'options.third_party_channel',
    'options.test_model',
  ]);
});

/** Every field says something else than in a blank draft. */
function fullNotification(): Draft {
  return {
    what: 'notification',
    platforms: ['android', 'ios', 'hmos'],
    title: 'T',
    alert: 'x',
    extras: [
      { key: 'k', value: 'v' },
      { key: 'empty', value: '' },
    ],
    android: {
      channel: 'news',
      builder: '3',
      style: '2',
      big: 'one\ntwo',
      priority: '-2',
      sound: false,
      vibrate: true,
      lights: false,
      intent: 'intent:#Intent;end',
    },
    ios: {
      subtitle: 'S',
      sound: 'bell.caf',
      badge: 'set',
      badgeNumber: 7,
      available: true,
      mutable: true,
      category: 'c',
      thread: 't',
      collapse: 'one',
      production: 'no',
    },
    message: { content: '', type: '', title: '' },
    audience: {
      isAll: false,
      tag: ['beijing'],
      tag_and: ['b'],
      tag_not: ['c'],
      alias: ['d'],
      registration_id: ['e'],
      segment: '7',
    },
    when: 'spread',
    at: '',
    spread: 25,
    lifetime: '3600',
    override: '41',
  };
}

test('a push that was sent becomes the draft that it was', () => {
  const draft = fullNotification();
  assert.deepEqual(draftOf(payloadOf(draft)), draft);
  for (const [style, big] of [
    ['1', 'a long text'],
    ['3', 'https://img.example/1.png'],
  ] as const) {
    Object.assign(draft.android, { style, big });
    assert.deepEqual(draftOf(payloadOf(draft)).android, draft.android);
  }
  draft.ios.production = 'yes';
  assert.equal(draftOf(payloadOf(draft)).ios.production, 'yes');
});

test('a custom message that was sent becomes the draft that it was', () => {
  const draft = blank();
  draft.what = 'message';
  draft.platforms = ['quickapp'];
  draft.message = { content: 'c', type: 'text/x', title: 'T' };
  draft.extras = [{ key: 'k', value: 'v' }];
  draft.audience.isAll = true;
  const again = draftOf(payloadOf(draft));
  assert.deepEqual(again.message, draft.message);
  assert.deepEqual(payloadOf(again), payloadOf(draft));
});

test('a badge and a sound that were not sent are not sent again', () => {
  const { badge, sound } = draftOf({ platform: 'all', audience: 'all', notification: { alert: 'x' } }).ios;
  assert.deepEqual([badge, sound], ['', '']);
  const badges = (sent: unknown): unknown => {
    const again = payloadOf(draftOf({ notification: { ios: { alert: 'x', badge: sent } } }));
    return (again.notification as { ios: { badge: unknown } }).ios.badge;
  };
  assert.deepEqual([0, 7, '+1', '+3', '5'].map(badges), [0, 7, '+1', '+3', '5']);
});

test('a list of platforms with those that only “all” reaches is “all”', () => {
  const platforms = (names: string[]): unknown => payloadOf(draftOf({ platform: names })).platform;
  assert.equal(platforms(['android', 'ios', 'winphone', 'quickapp', 'hmos', 'web', 'desktop', 'other']), 'all');
  assert.deepEqual(platforms(['ios', 'hmos']), ['ios', 'hmos']);
});

test('what a push of the API says only in a block of one platform is read there', () => {
  const { title, alert, extras } = draftOf({ notification: { hmos: { alert: 'x', title: 'T', extras: { k: 1 } } } });
  assert.deepEqual({ title, alert, extras }, { title: 'T', alert: 'x', extras: [{ key: 'k', value: '1' }] });
});

test('times of schedules are of the daemon’s zone', () => {
  const ms = Date.UTC(2026, 0, 1, 20, 30, 0);
  assert.equal(inZone(ms, '+08:00'), '2026-01-02 04:30:00');
  assert.equal(inZone(ms, '-03:30'), '2026-01-01 17:00:00');
});

test('a time on the other side of a change to summer time is as the clock will show it then', () => {
  const noonInUtc = (month: number): number => Date.UTC(2026, month, 10, 12);
  assert.equal(inZone(noonInUtc(0), 'Europe/Berlin'), '2026-01-10 13:00:00');
  assert.equal(inZone(noonInUtc(6), 'Europe/Berlin'), '2026-07-10 14:00:00');
});

test('a zone is named if the browser knows the name, and else is the offset', () => {
  assert.equal(zoneOf({ time_zone: '+01:00', time_zone_name: 'Europe/Berlin' }), 'Europe/Berlin');
  assert.equal(zoneOf({ time_zone: '+01:00', time_zone_name: 'Nowhere/Else' }), '+01:00');
  assert.equal(zoneOf({ time_zone: '+01:00', time_zone_name: null }), '+01:00');
});
