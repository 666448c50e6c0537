/** Words for pushes, and what is done with one. */

import { t } from '@anser/ui';
import { part, rest } from './api';
import { act } from './forms';

export function kindName(kind: string): string {
  const names: Record<string, string> = {
    notification: t('Notification', '通知'),
    message: t('Custom message', '自定义消息'),
    both: t('Both', '通知与消息'),
  };
  return names[kind] ?? kind;
}

/** "waiting" is every push that a device may still be given, whether one is without it or not. */
export function stateName(state: string): string {
  const names: Record<string, string> = {
    waiting: t('within its lifetime', '有效期内'),
    expired: t('over', '已过期'),
    withdrawn: t('withdrawn', '已撤回'),
    replaced: t('replaced', '已覆盖'),
  };
  return names[state] ?? state;
}

export function stateKind(state: string): 'bad' | 'plain' {
  return state === 'withdrawn' ? 'bad' : 'plain';
}

const PLATFORMS: Record<string, string> = {
  android: 'Android',
  ios: 'iOS',
  web: 'Web',
  hmos: 'HarmonyOS',
  harmony: 'HarmonyOS',
  quickapp: 'Quick app',
  winphone: 'Windows Phone',
  windows: 'Windows',
  macos: 'macOS',
  linux: 'Linux',
  desktop: 'Desktop',
};
export const platformName = (name: string): string => PLATFORMS[name] ?? name;
export const platformsText = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${platformName(name)} ${count}`)
    .join(', ') || '–';

export function figureName(name: string): string {
  const names: Record<string, string> = {
    targets: t('Targets', '目标'),
    online: t('Online', '在线'),
    sent: t('Sent', '已发出'),
    received: t('Received', '送达'),
    shown: t('Shown', '展示'),
    clicked: t('Opened', '点击'),
    bridged: t('By bridge', '厂商通道'),
    texted: t('By text message', '短信'),
  };
  return names[name] ?? name;
}

export function withdraw(app: string, id: string): Promise<boolean> {
  return act({
    title: t('Withdraw this push?', '撤回该推送？'),
    text: t(
      'Devices that do not have it yet will not get it. ' +
        'Where it has arrived, it is taken off the screen if it has not been opened.',
      '尚未收到的设备不会再收到；已送达但未打开的会从通知栏移除。',
    ),
    action: t('Withdraw', '撤回'),
    isDangerous: true,
    done: t('Withdrawn', '已撤回'),
    call: rest(app, 'DELETE', `/v3/push/${part(id)}`),
  });
}
