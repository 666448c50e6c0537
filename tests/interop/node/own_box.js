'use strict'
// What the scripts beside this one share.

const assert = require('node:assert')
const https = require('node:https')
const tls = require('node:tls')

// The SDKs name the vendor's hosts. An operator points these names at the own box; here every connection goes to a
// port of this machine, and the certificate must still be good for the name that was asked for.
exports.pointHostsAt = (port) => {
  https.globalAgent.createConnection = (options) => tls.connect({
    host: '127.0.0.1',
    port,
    servername: options.servername || options.host
  })
}

// The time of day so many seconds from now, as schedules write it in the daemon's zone, UTC+8.
exports.wallClock = (secondsFromNow) =>
  new Date(Date.now() + (8 * 3600 + secondsFromNow) * 1000).toISOString().slice(0, 19).replace('T', ' ')

exports.refused = async (call) => {
  try {
    await call
  } catch (error) {
    return error
  }
  assert.fail('the call was not refused')
}

// Runs the steps one after another and says which failed.
exports.run = async (steps) => {
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      console.error(`${step.name}:`, error)
      process.exit(1)
    }
  }
}
