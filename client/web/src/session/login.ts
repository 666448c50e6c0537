/** The user who is to be logged in whenever there is a link. */
import type { Body, Ext } from '../codec.js';
import { codeOf, isPassing } from '../errors.js';
import { Backoff } from './pace.js';
import type { Session } from './session.js';
import { Sync } from './sync.js';

export const CREDENTIAL = { password: 1, md5: 2, token: 3, signed: 4 } as const;

/** What the application gave, remembered only while the session lives. */
export interface Given {
  kind: number;
  credential: Uint8Array;
  extensions: Ext[];
}

type Attempt = { is: 'due'; at: number } | { is: 'sent'; request: number; kind: number } | { is: 'in' };

interface Wanted {
  user: string;
  given: Given | null;
  /** It has just been given: it is to be checked, although a session token may be there. */
  isGivenFirst: boolean;
  attempt: Attempt;
  backoff: Backoff;
}

/** Ends from outside that leave no token good. */
const ENDED = ['USER_UNKNOWN', 'USER_DISABLED', 'TOKEN_INVALID'];

export class Login {
  private wanted: Wanted | null = null;
  /** Why the server ended the last login from outside. */
  private ended: { code: number; message: string } | null = null;

  constructor(private session: Session) {}

  get user(): string {
    return this.wanted?.user ?? '';
  }

  get isOnItsWay(): boolean {
    return this.wanted?.attempt.is === 'sent';
  }

  deadline(): number | null {
    const attempt = this.wanted?.attempt;
    return attempt?.is === 'due' && attempt.at > this.session.now ? attempt.at : null;
  }

  /** Keeps `user` logged in from now on, instead of anybody else. */
  want(user: string, given: Given | null, now: number): void {
    const { session } = this;
    session.now = now;
    session.leaveUser();
    if (this.wanted && this.wanted.user !== user) {
      // They would be carried out in the name of the new user.
      this.failRequests();
      session.rooms.clear();
    }
    this.ended = null;
    session.write({ op: 'wanted', user });
    if (!given && !session.userOf(user).token.length) {
      this.wanted = null;
      session.emit({ type: 'loginNeeded', user });
    } else {
      this.wanted = { user, given, isGivenFirst: !!given, attempt: { is: 'due', at: 0 }, backoff: new Backoff() };
    }
    session.drive();
  }

  /** Logs in, right behind the hello. */
  say(): void {
    const { session, wanted } = this;
    if (wanted?.attempt.is !== 'due' || wanted.attempt.at > session.now) return;
    const { token, cursor } = session.userOf(wanted.user);
    const { given } = wanted;
    const isByGiven = given && (wanted.isGivenFirst || !token.length);
    const by = isByGiven ? given : { kind: CREDENTIAL.token, credential: token, extensions: [] };
    const request = session.requests.takeId();
    wanted.attempt = { is: 'sent', request, kind: by.kind };
    session.transmit('Login', {
      request,
      username: wanted.user,
      credential_kind: by.kind,
      credential: by.credential,
      cursor,
      extensions: by.extensions,
    });
  }

  handleUnlinked(): void {
    if (this.wanted) this.wanted.attempt = { is: 'due', at: 0 };
  }

  onLoggedIn({ request, token }: Body): void {
    const { session, wanted } = this;
    if (wanted?.attempt.is !== 'sent' || wanted.attempt.request !== request) return;
    wanted.attempt = { is: 'in' };
    wanted.isGivenFirst = false;
    wanted.backoff.reset();
    this.ended = null;
    const { user: name } = wanted;
    const user = session.userOf(name);
    if (token.length) {
      user.token = token;
      session.write({ op: 'token', user: name, token });
    }
    session.sync = new Sync(session, name, user.cursor ?? 0);
    session.noteLoggedIn();
    session.then({ type: 'emit', event: { type: 'loggedIn', user: name } });
  }

  /** Answers whether it was the login that failed. */
  onFailed(request: number, code: number, message: string): boolean {
    const { session, wanted } = this;
    if (wanted?.attempt.is !== 'sent' || wanted.attempt.request !== request) return false;
    const { kind } = wanted.attempt;
    if (isPassing(code)) {
      wanted.attempt = { is: 'due', at: session.now + wanted.backoff.nextWait(session.config.random) };
      session.tellDelay(code, message);
      return true;
    }
    if (kind === CREDENTIAL.token) {
      this.forgetToken(wanted.user);
      // Who gave way to another device while away is told so now, and does not take the place back with the password;
      // nor is an old password tried where the server said that there is a new one.
      if (wanted.given && code !== codeOf('LOGGED_IN_ELSEWHERE') && !this.ended) {
        wanted.attempt = { is: 'due', at: 0 };
        return true;
      }
    }
    // The signed token was good once: its time is over, and the application gets another one from its server.
    const isOver = kind === CREDENTIAL.signed && !wanted.isGivenFirst;
    this.giveUp(isOver ? codeOf('TOKEN_INVALID') : code, message);
    return true;
  }

  private giveUp(code: number, message: string): void {
    const { session } = this;
    const { user } = this.wanted!;
    const told = this.ended ?? { code, message };
    const isNeeded = !this.ended && code === codeOf('TOKEN_INVALID');
    this.wanted = null;
    this.ended = null;
    session.rooms.clear();
    if (
      ['USER_UNKNOWN', 'USER_DISABLED'].some((name) => codeOf(name) === told.code) &&
      session.users.get(user)?.cursor
    ) {
      // The contract has it so: what the user had here is gone with the account.
      session.users.delete(user);
      session.write({ op: 'forgetUser', user });
    }
    session.write({ op: 'wanted', user: '' });
    this.failRequests();
    session.then({
      type: 'emit',
      event: isNeeded ? { type: 'loginNeeded', user } : { type: 'loginFailed', user, ...told },
    });
  }

  private forgetToken(user: string): void {
    this.session.userOf(user).token = new Uint8Array();
    this.session.write({ op: 'token', user, token: new Uint8Array() });
  }

  /** The user's session is over by the user's own wish; also when the server could not be told. */
  handleLoggedOut(): void {
    const { session, wanted } = this;
    if (!wanted) return;
    this.wanted = null;
    session.leaveUser();
    session.rooms.clear();
    this.forgetToken(wanted.user);
    session.write({ op: 'wanted', user: '' });
    session.then({ type: 'emit', event: { type: 'loggedOut', user: wanted.user } });
    this.failRequests();
  }

  /** The link ends: another device took this one's place, or the user's login was ended from outside. */
  handleGoAway(code: number, message: string): void {
    if (!this.wanted) return;
    if (code === codeOf('LOGGED_IN_ELSEWHERE')) {
      this.session.leaveUser();
      this.forgetToken(this.wanted.user);
      this.giveUp(code, message);
    } else if (ENDED.some((name) => codeOf(name) === code)) {
      this.ended = { code, message };
    }
  }

  /** Requests of a user who is not there any more; what only asks fails like the rest. */
  private failRequests(): void {
    const { session } = this;
    for (const request of session.requests.handleLoggedOut()) session.failRequest(request, codeOf('NOT_LOGGED_IN'));
  }
}
