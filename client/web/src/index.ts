/** `@anser/client`: push and chat of an Anser daemon for browsers. */
export { connect } from './client.js';
export { AnserError } from './errors.js';
export { displayName, groupTitle } from './titles.js';
export type * from './api.js';
