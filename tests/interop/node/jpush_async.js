'use strict'
// The official Node SDK `jpush-async` against a running daemon: every call that it offers, and what its own mistakes
// leave of them.
//
// usage: node jpush_async.js PORT APP_KEY MASTER_SECRET GROUP_KEY GROUP_MASTER_SECRET
// The daemon's app has the Android device `rid-android` and the iOS device `rid-ios`, both new, and is the one app of
// the app group. NODE_EXTRA_CA_CERTS names the daemon's certificate authority.

const assert = require('node:assert')
const { JPush, JPushAsync } = require('jpush-async')
const { pointHostsAt, refused, run, wallClock } = require('./own_box')

const [port, appKey, masterSecret, groupKey, groupMasterSecret] = process.argv.slice(2)
pointHostsAt(port)
const client = JPushAsync.buildClient({ appKey, masterSecret, isDebug: false })

const hello = (...audience) =>
  client.push().setPlatform(JPushAsync.ALL).setAudience(...audience).setNotification('hello')
const codeOf = (error) => {
  assert.ok(error instanceof JPushAsync.APIRequestError, error)
  return JSON.parse(error.response).code
}

async function devicesAreSetAndShown () {
  assert.deepStrictEqual(await client.updateDeviceTagAlias('rid-android', 'me', false, ['red', 'old'], []), {})
  await client.updateDeviceTagAlias('rid-android', null, false, ['blue'], ['old'])
  await client.updateDeviceTagAlias('rid-ios', null, true, [], [])
  await client.setMobile('rid-android', '13012345678')
  const shown = await client.getDeviceTagAlias('rid-android')
  assert.deepStrictEqual(shown.tags.sort(), ['blue', 'red'])
  assert.deepStrictEqual([shown.alias, shown.mobile], ['me', '13012345678'])
  assert.deepStrictEqual((await client.getDeviceStatus(['rid-android', 'unknown'])).res,
    { 'rid-android': { online: false }, unknown: {} })
}

async function tagsAndAliasesAreManaged () {
  assert.deepStrictEqual((await client.getTagList()).tags.sort(), ['blue', 'red'])
  await client.addRemoveDevicesFromTag('green', ['rid-android', 'rid-ios'], null)
  await client.addRemoveDevicesFromTag('green', null, ['rid-ios'])
  assert.deepStrictEqual(await client.isDeviceInTag('green', 'rid-android'), { result: true })
  assert.deepStrictEqual(await client.isDeviceInTag('green', 'rid-ios'), { result: false })
  await client.deleteTag('green', null)
  assert.deepStrictEqual(await client.isDeviceInTag('green', 'rid-android'), { result: false })
  assert.deepStrictEqual(await client.getAliasDeviceList('me', null), { registration_ids: ['rid-android'] })
  // The SDK leaves the query out: it asks for all platforms.
  assert.deepStrictEqual(await client.getAliasDeviceList('me', 'ios'), { registration_ids: ['rid-android'] })
  await client.updateDeviceTagAlias('rid-ios', 'gone', false, [], [])
  await client.deleteAlias('gone', null)
  assert.deepStrictEqual(await client.getAliasDeviceList('gone', null), { registration_ids: [] })
}

async function pushesReachEveryKindOfAudience () {
  const { ALL, tag, tag_and: tagAnd, tag_not: tagNot, alias, registration_id: registrationId } = JPushAsync
  const audiences = [
    [ALL], [tag('red,blue')], [tagAnd('red', 'blue')], [tagNot('red')], [alias('me')],
    [registrationId('rid-android', 'rid-ios')], [tag('red'), alias('me')]
  ]
  const ids = []
  for (const audience of audiences) {
    const answer = await hello(...audience).send()
    assert.deepStrictEqual(Object.keys(answer).sort(), ['msg_id', 'sendno'])
    ids.push(answer.msg_id)
  }
  assert.strictEqual(new Set(ids).size, audiences.length)
  for (const unknown of [JPushAsync.segment('unknown'), JPushAsync.abtest('unknown')]) {
    assert.strictEqual(codeOf(await refused(hello(unknown).send())), 1003)
  }
}

async function everyHelperForAPayloadIsUnderstood () {
  const push = client.push()
    .setPlatform('ios', 'android', 'winphone')
    .setAudience(JPushAsync.ALL)
    .setNotification('shared', JPushAsync.ios({ title: 't', body: 'b' }, 'sound', '+1', true, { k: 1 }, 'category', true),
      JPushAsync.android('alert', 'title', 1, { k: { n: 1 } }, 1, 'category', 2, { line: 'one' }, 7, 'channel'),
      JPushAsync.winphone('alert', 'title', '/page.xaml', { k: 'v' }))
    .setMessage('content', 'title', 'text', { k: 'v' })
    .setOptions(12345, 60, null, false, 1, 'collapse', { xiaomi: { distribution: 'jpush' } })
    .setSmsMessage('sms', 60)
  assert.strictEqual((await push.sendValidate()).sendno, '12345')
  const answer = await push.send()
  assert.strictEqual(answer.sendno, '12345')
  const changed = hello(JPushAsync.ALL).setOptions(7, 60, Number(answer.msg_id), true)
  assert.strictEqual((await changed.send()).sendno, '7')
}

async function reportsAreReadWhereTheSdkSendsItsQuery () {
  const { msg_id: id } = await hello(JPushAsync.ALL).send()
  const { res } = await client.getReportStatusMessage(id, ['rid-android', 'unknown'], '2099-01-01')
  assert.deepStrictEqual(res, { 'rid-android': { status: 1 }, unknown: { status: 2 } })
  assert.deepStrictEqual((await client.getReportStatusMessage(Number(id), ['rid-ios'])).res, { 'rid-ios': { status: 1 } })
  // It leaves the query of a GET out, so these calls cannot name what they ask for.
  for (const name of ['Receiveds', 'ReceivedDetail', 'Messages', 'MessagesDetail']) {
    assert.strictEqual(codeOf(await refused(client[`getReport${name}`](id))), 3003)
  }
  assert.strictEqual(codeOf(await refused(client.getReportUsers('DAY', '2014-06-10', 3))), 3003)
}

async function schedulesAreMadeChangedAndDeleted () {
  const made = await hello(JPushAsync.ALL).setSingleSchedule(wallClock(3600)).setSchedule('once', true)
  assert.deepStrictEqual(Object.keys(made).sort(), ['name', 'schedule_id'])
  const monthly = await hello(JPushAsync.tag('red'))
    .setPeriodicalSchedule(wallClock(3600), wallClock(90 * 86400), '12:00:00', 'month', 1, ['01', '15'])
    .setSchedule('monthly', true)
  const listed = await client.getScheduleList(1)
  assert.deepStrictEqual([listed.total_count, listed.schedules.map((task) => task.name)], [2, ['once', 'monthly']])
  const changed = await client.push().updateSchedule(made.schedule_id, 'later', false)
  assert.deepStrictEqual([changed.name, changed.enabled], ['later', false])
  await hello(JPushAsync.alias('me')).setSingleSchedule(wallClock(7200)).updateSchedule(made.schedule_id, null, true)
  const shown = await client.getSchedule(made.schedule_id)
  assert.deepStrictEqual([shown.name, shown.enabled, shown.push.audience], ['later', true, { alias: ['me'] }])
  for (const task of [made, monthly]) assert.deepStrictEqual(await client.delSchedule(task.schedule_id), {})
  assert.strictEqual(codeOf(await refused(client.getSchedule(made.schedule_id))), 8104)
}

async function anAppGroupIsPushedTo () {
  const group = JPushAsync.buildClient({ appKey: groupKey, masterSecret: groupMasterSecret, isDebug: false, isGroup: true })
  const answer = await group.push().setPlatform(JPushAsync.ALL).setAudience(JPushAsync.ALL).setNotification('all').send()
  assert.deepStrictEqual(Object.keys(answer).sort(), [appKey, 'group_msgid'].sort())
  assert.deepStrictEqual(Object.keys(answer[appKey]).sort(), ['msg_id', 'sendno'])
}

async function mistakesAreErrorsOfTheSdk () {
  assert.strictEqual(codeOf(await refused(hello(JPushAsync.tag('nobody')).send())), 1011)
  assert.strictEqual(codeOf(await refused(client.getDeviceTagAlias('unknown'))), 7002)
  const stranger = JPushAsync.buildClient({ appKey, masterSecret: '0'.repeat(24), isDebug: false })
  assert.strictEqual(codeOf(await refused(stranger.getTagList())), 7004)
}

// The flavour with callbacks reports an error after every call, whatever the server said (and a GET ends the process);
// what it asked for is done all the same.
async function theFlavourWithCallbacksIsUnderstood () {
  const old = JPush.buildClient({ appKey, masterSecret, isDebug: false })
  const done = (call) => new Promise((resolve) => call((error) => resolve(error)))
  assert.ok(await done((told) => old.setMobile('rid-ios', '13900000000', told)) instanceof JPush.APIRequestError)
  assert.strictEqual((await client.getDeviceTagAlias('rid-ios')).mobile, '13900000000')
  const once = old.push().setPlatform(JPush.ALL).setAudience(JPush.ALL).setNotification('hello')
    .setSingleSchedule(wallClock(3600))
  await done((told) => once.setSchedule('of the old flavour', true, told))
  const [task] = (await client.getScheduleList(1)).schedules
  assert.strictEqual(task.name, 'of the old flavour')
  await client.delSchedule(task.schedule_id)
}

run([
  devicesAreSetAndShown,
  tagsAndAliasesAreManaged,
  pushesReachEveryKindOfAudience,
  everyHelperForAPayloadIsUnderstood,
  reportsAreReadWhereTheSdkSendsItsQuery,
  schedulesAreMadeChangedAndDeleted,
  anAppGroupIsPushedTo,
  mistakesAreErrorsOfTheSdk,
  theFlavourWithCallbacksIsUnderstood
])
