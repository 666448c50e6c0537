'use strict'
// The official Node SDK `jpush-sdk` against a running daemon: every call that it offers.
//
// usage: node jpush_sdk.js PORT APP_KEY MASTER_SECRET
// The daemon's app has the Android device `rid-android` and the iOS device `rid-ios`, both new.
// NODE_EXTRA_CA_CERTS names the daemon's certificate authority.

const assert = require('node:assert')
const { promisify } = require('node:util')
const JPush = require('jpush-sdk')
const { pointHostsAt, refused, run, wallClock } = require('./own_box')

const [port, appKey, masterSecret] = process.argv.slice(2)
pointHostsAt(port)
const client = JPush.buildClient(appKey, masterSecret)

// A call of the client, or of a payload, as a promise.
const call = (object, name, ...args) => promisify(object[name].bind(object))(...args)
const hello = (...audience) =>
  client.push().setPlatform(JPush.ALL).setAudience(...audience).setNotification('hello')

async function devicesAreSetAndShown () {
  assert.deepStrictEqual(await call(client, 'updateDeviceTagAlias', 'rid-android', 'me', false, ['red', 'old'], []), {})
  await call(client, 'updateDeviceTagAlias', 'rid-android', null, false, ['blue'], ['old'])
  await call(client, 'updateDeviceTagAlias', 'rid-ios', null, true, [], [])
  await call(client, 'setMobile', 'rid-android', '13012345678')
  const shown = await call(client, 'getDeviceTagAlias', 'rid-android')
  assert.deepStrictEqual(shown.tags.sort(), ['blue', 'red'])
  assert.deepStrictEqual([shown.alias, shown.mobile], ['me', '13012345678'])
  assert.deepStrictEqual((await call(client, 'getDeviceTagAlias', 'rid-ios')).tags, [])
}

async function tagsAndAliasesAreManaged () {
  assert.deepStrictEqual((await call(client, 'getTagList')).tags.sort(), ['blue', 'red'])
  await call(client, 'addRemoveDevicesFromTag', 'green', ['rid-android', 'rid-ios'], null)
  await call(client, 'addRemoveDevicesFromTag', 'green', null, ['rid-ios'])
  assert.deepStrictEqual(await call(client, 'isDeviceInTag', 'green', 'rid-android'), { result: true })
  assert.deepStrictEqual(await call(client, 'isDeviceInTag', 'green', 'rid-ios'), { result: false })
  await call(client, 'deleteTag', 'green', 'ios')
  assert.deepStrictEqual(await call(client, 'isDeviceInTag', 'green', 'rid-android'), { result: true })
  await call(client, 'deleteTag', 'green', null)
  assert.deepStrictEqual(await call(client, 'isDeviceInTag', 'green', 'rid-android'), { result: false })
  assert.deepStrictEqual(await call(client, 'getAliasDeviceList', 'me', null), { registration_ids: ['rid-android'] })
  assert.deepStrictEqual(await call(client, 'getAliasDeviceList', 'me', 'ios'), { registration_ids: [] })
  await call(client, 'updateDeviceTagAlias', 'rid-ios', 'gone', false, [], [])
  await call(client, 'deleteAlias', 'gone', 'android')
  assert.deepStrictEqual(await call(client, 'getAliasDeviceList', 'gone', 'ios'), { registration_ids: ['rid-ios'] })
  await call(client, 'deleteAlias', 'gone', null)
  assert.deepStrictEqual(await call(client, 'getAliasDeviceList', 'gone', null), { registration_ids: [] })
}

async function pushesReachEveryKindOfAudience () {
  const audiences = [
    [JPush.ALL], [JPush.tag('red,blue')], [JPush.tag_and('red', 'blue')], [JPush.alias('me')],
    [JPush.registration_id('rid-android', 'rid-ios')], [JPush.tag('red'), JPush.alias('me')]
  ]
  const ids = []
  for (const audience of audiences) {
    const answer = await call(hello(...audience), 'send')
    assert.deepStrictEqual(Object.keys(answer).sort(), ['msg_id', 'sendno'])
    ids.push(answer.msg_id)
  }
  assert.strictEqual(new Set(ids).size, audiences.length)
}

async function everyHelperForAPayloadIsUnderstood () {
  const push = client.push()
    .setPlatform('ios', 'android', 'winphone')
    .setAudience(JPush.ALL)
    .setNotification('shared', JPush.ios('alert', 'sound', '+1', true, { k: 1 }, 'category', true),
      JPush.android('alert', 'title', 1, { k: { n: 1 } }, 1, 'category', 1, 'big text', 7),
      JPush.winphone('alert', 'title', '/page.xaml', { k: 'v' }))
    .setMessage('content', 'title', 'text', { k: 'v' })
    .setOptions(12345, 60, null, false, 1, 'collapse')
    .setSmsMessage('sms', 60)
  assert.strictEqual((await call(push, 'sendValidate')).sendno, '12345')
  const answer = await call(push, 'send')
  assert.strictEqual(answer.sendno, '12345')
  const changed = hello(JPush.ALL).setOptions(7, 60, Number(answer.msg_id), true)
  assert.strictEqual((await call(changed, 'send')).sendno, '7')
}

async function reportsHaveARowForEachPush () {
  const ids = []
  for (let n = 0; n < 2; n++) ids.push((await call(hello(JPush.ALL), 'send')).msg_id)
  const received = await call(client, 'getReportReceiveds', ids.join(','))
  assert.deepStrictEqual(received.map((row) => [row.msg_id, row.android_received]), ids.map((id) => [id, 0]))
  const messages = await call(client, 'getReportMessages', ids.join(','))
  assert.deepStrictEqual(messages.map((row) => Object.keys(row).sort()), Array(2).fill(['android', 'ios', 'msg_id', 'winphone']))
  assert.deepStrictEqual(messages.map((row) => row.android.target), [1, 1])
  const users = await call(client, 'getReportUsers', 'DAY', '2014-06-10', 3)
  assert.deepStrictEqual([users.time_unit, users.duration, users.items.length], ['DAY', 3, 3])
}

async function schedulesAreMadeChangedAndDeleted () {
  const made = await call(hello(JPush.ALL).setSingleSchedule(wallClock(3600)), 'setSchedule', 'once', true)
  assert.deepStrictEqual(Object.keys(made).sort(), ['name', 'schedule_id'])
  const daily = hello(JPush.tag('red'))
    .setPeriodicalSchedule(wallClock(3600), wallClock(30 * 86400), '12:00:00', 'WEEK', 1, ['MON', 'FRI'])
  const weekly = await call(daily, 'setSchedule', 'weekly', true)
  const listed = await call(client, 'getScheduleList', 1)
  assert.deepStrictEqual([listed.total_count, listed.schedules.map((task) => task.name)], [2, ['once', 'weekly']])
  // The payload's own helper calls a function that the SDK does not have.
  assert.throws(() => client.push().updateSchedule(made.schedule_id, 'later', false, () => {}), TypeError)
  const update = (change) => call(client, 'updateSchedule', made.schedule_id, JSON.stringify(change))
  const changed = await update({ name: 'later', enabled: false })
  assert.deepStrictEqual([changed.name, changed.enabled], ['later', false])
  const { payload: push, trigger } = hello(JPush.alias('me')).setSingleSchedule(wallClock(7200))
  await update({ enabled: true, trigger, push })
  const shown = await call(client, 'getSchedule', made.schedule_id)
  assert.deepStrictEqual([shown.name, shown.enabled, shown.push.audience], ['later', true, { alias: ['me'] }])
  for (const task of [made, weekly]) await call(client, 'delSchedule', task.schedule_id)
  const error = await refused(call(client, 'getSchedule', made.schedule_id))
  assert.deepStrictEqual([error.httpCode, JSON.parse(error.response).error.code], [404, 8104])
}

async function mistakesAreErrorsOfTheSdk () {
  const error = await refused(call(hello(JPush.tag('nobody')), 'send'))
  assert.ok(error instanceof JPush.APIRequestError)
  const told = JSON.parse(error.response)
  assert.deepStrictEqual([error.httpCode, told.error.code, typeof told.msg_id], [400, 1011, 'string'])
  const stranger = JPush.buildClient(appKey, '0'.repeat(24))
  const wrong = await refused(call(stranger, 'getTagList'))
  assert.deepStrictEqual([wrong.httpCode, JSON.parse(wrong.response).error.code], [401, 7004])
}

run([
  devicesAreSetAndShown,
  tagsAndAliasesAreManaged,
  pushesReachEveryKindOfAudience,
  everyHelperForAPayloadIsUnderstood,
  reportsHaveARowForEachPush,
  schedulesAreMadeChangedAndDeleted,
  mistakesAreErrorsOfTheSdk
])
