/** The figures of statistics: what each is called, where it stands in the answer, and in which chart it is drawn. */

import { t } from '@anser/ui';
import type { Period } from './types';

export interface Figure {
  key: string;
  label: string;
  chart: string;
  /** Whether adding it up over periods means something: devices counted once a day do not add up. */
  isSum: boolean;
  of: (period: Period) => number | undefined;
}

export function pushFigures(): Figure[] {
  const reach = t('Pushes', '推送');
  const devices = t('Devices', '设备');
  const use = t('Use', '使用');
  return [
    { key: 'pushes', label: t('Pushes sent', '推送数'), chart: reach, isSum: true, of: (period) => period.pushes },
    { key: 'received', label: t('Received', '送达'), chart: reach, isSum: true, of: (period) => period.received },
    { key: 'clicked', label: t('Opened', '点击'), chart: reach, isSum: true, of: (period) => period.clicked },
    { key: 'new', label: t('New devices', '新增用户'), chart: devices, isSum: true, of: (period) => period.new },
    { key: 'online', label: t('Online', '在线用户'), chart: devices, isSum: false, of: (period) => period.online },
    { key: 'active', label: t('Active', '活跃用户'), chart: devices, isSum: false, of: (period) => period.active },
    { key: 'opens', label: t('Opens of the app', '打开次数'), chart: use, isSum: true, of: (period) => period.opens },
    {
      key: 'minutes',
      label: t('Minutes of use', '使用时长（分钟）'),
      chart: use,
      isSum: true,
      of: (period) => (period.seconds === undefined ? undefined : Math.round(period.seconds / 60)),
    },
  ];
}

export function chatFigures(): Figure[] {
  const messages = t('Messages', '消息');
  const users = t('Users', '用户');
  const groups = t('Groups', '群组');
  const chat = (key: string, label: string, chart: string, isSum: boolean): Figure => ({
    key,
    label,
    chart,
    isSum,
    of: (period) => period.chat?.[key],
  });
  return [
    chat('single_messages', t('Single chat', '单聊消息'), messages, true),
    chat('group_messages', t('Group chat', '群聊消息'), messages, true),
    chat('room_messages', t('Chat rooms', '聊天室消息'), messages, true),
    chat('new_users', t('New users', '新增用户'), users, true),
    chat('active_users', t('Active users', '活跃用户'), users, false),
    chat('senders', t('Senders', '发消息用户'), users, false),
    chat('new_groups', t('New groups', '新增群组'), groups, true),
    chat('active_groups', t('Active groups', '活跃群组'), groups, false),
  ];
}
