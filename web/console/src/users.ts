/** What is done with users, from the list and from a user's page. */

import { t, toast, type MenuItem } from '@anser/ui';
import { call, CallError, part, rest, send } from './api';
import { act, form, text } from './forms';
import { can } from './session';
import type { User } from './types';

export const MANY_MAX = 500;

export function userActions(app: string, user: Pick<User, 'username' | 'is_disabled'>, done: () => void): MenuItem[] {
  if (!can('manage_users')) return [];
  const name = user.username;
  const path = `/v1/users/${part(name)}`;
  const then = (what: Promise<unknown>): void => void what.then((isDone) => isDone && done());
  return [
    {
      label: t('Reset password', '重置密码'),
      icon: 'key',
      run: () =>
        then(
          form({
            title: t('Reset the password of {name}', '重置 {name} 的密码', { name }),
            text: t('All devices of the user are logged out.', '该用户将在所有设备上登出。'),
            fields: [
              { key: 'password', label: t('New password', '新密码'), type: 'password', isRequired: true, max: 128 },
            ],
            call: (values) => rest(app, 'PUT', `${path}/password`, { new_password: values.password }),
          }),
        ),
    },
    {
      label: t('Cut the links', '断开连接'),
      icon: 'plug',
      run: () =>
        then(
          act({
            title: t('Cut the links of {name}?', '断开 {name} 的连接？', { name }),
            text: t(
              'The devices come back by themselves after a moment; nobody is logged out.',
              '设备稍后会自动重连，不会登出。',
            ),
            action: t('Cut', '断开'),
            isDangerous: true,
            call: call('POST', `/apps/${part(app)}/links/kick`, { user: name, reason: 'console' }),
          }),
        ),
    },
    {
      label: user.is_disabled ? t('Enable', '启用') : t('Disable', '禁用'),
      icon: 'shield',
      isDangerous: !user.is_disabled,
      run: () =>
        then(
          act({
            title: user.is_disabled
              ? t('Enable {name}?', '启用 {name}？', { name })
              : t('Disable {name}?', '禁用 {name}？', { name }),
            text: user.is_disabled
              ? t('The user may log in again.', '该用户可重新登录。')
              : t(
                  'The user is logged out everywhere and cannot log in until enabled. Nothing is deleted.',
                  '该用户将在所有设备登出且无法登录，直到重新启用。数据不会删除。',
                ),
            action: user.is_disabled ? t('Enable', '启用') : t('Disable', '禁用'),
            isDangerous: !user.is_disabled,
            call: rest(app, 'PUT', `${path}/forbidden?disable=${!user.is_disabled}`),
          }),
        ),
    },
    {
      label: t('Delete', '删除'),
      icon: 'trash',
      isDangerous: true,
      run: () =>
        then(
          act({
            title: t('Delete {name}?', '删除 {name}？', { name }),
            text: t(
              'The user is logged out everywhere, leaves all groups, and the name becomes free. ' +
                'What the user wrote stays with the others; data duties erase it.',
              '该用户将在所有设备登出并退出所有群组，用户名可被重新注册；其消息仍保留在他人处，可在“数据义务”中抹除。',
            ),
            action: t('Delete', '删除'),
            isDangerous: true,
            call: rest(app, 'DELETE', path),
          }),
        ),
    },
  ];
}

interface Registered {
  username: string;
  error?: { message: string };
}

/** Names and passwords from text or a file, one user a line; what failed is told by name. */
export async function registerMany(app: string): Promise<boolean> {
  const failed: Registered[] = [];
  let made = 0;
  const answer = await form({
    title: t('Register many users', '批量注册用户'),
    text: t(
      'One a line: name, password and, if you like, nickname, with commas between them. They go in batches of 500.',
      '每行一个：用户名,密码,昵称（可选），以逗号分隔。每批 500 个。',
    ),
    isWide: true,
    fields: [
      {
        key: 'lines',
        label: t('Users', '用户'),
        type: 'lines',
        max: 2_000_000,
        isRequired: true,
        takesFile: true,
        accept: '.csv,.txt,text/plain,text/csv',
      },
    ],
    action: t('Register', '注册'),
    done: t('Sent', '已提交'),
    call: (values) => rest(app, 'POST', '/v1/users', parse(text(values.lines)).slice(0, MANY_MAX)),
    then: async (first, values) => {
      const all = parse(text(values.lines));
      const count = (items: Registered[]): void => {
        failed.push(...items.filter((item) => item.error));
        made += items.filter((item) => !item.error).length;
      };
      count(first as Registered[]);
      for (let at = MANY_MAX; at < all.length; at += MANY_MAX) {
        try {
          count(await send<Registered[]>(rest(app, 'POST', '/v1/users', all.slice(at, at + MANY_MAX))));
        } catch (error) {
          if (!(error instanceof CallError)) throw error;
          failed.push(
            ...all.slice(at, at + MANY_MAX).map(({ username }) => ({ username, error: { message: error.message } })),
          );
        }
      }
    },
  });
  if (!answer) return false;
  toast(t('{n} user registered|{n} users registered', '已注册 {n} 位用户', { n: made }));
  if (failed.length) {
    await act({
      title: t('{n} was not registered|{n} were not registered', '{n} 个未能注册', { n: failed.length }),
      text: failed
        .slice(0, 50)
        .map((item) => `${item.username}: ${item.error?.message ?? ''}`)
        .join('\n'),
      action: t('All right', '知道了'),
      call: [],
    });
  }
  return true;
}

function parse(lines: string): { username: string; password: string; nickname?: string }[] {
  return lines
    .split(/\r?\n/)
    .map((line) => line.split(/[,\t;，；]/).map((one) => one.trim()))
    .filter(([username]) => username)
    .map(([username, password, nickname]) => ({
      username: username!,
      password: password ?? '',
      ...(nickname ? { nickname } : {}),
    }));
}
