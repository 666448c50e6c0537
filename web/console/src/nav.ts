/** What stands in the side bar, and who sees it. */

import { t, type IconName } from '@anser/ui';
import type { Right } from './types';

export interface Entry {
  name: string;
  icon: IconName;
  label: () => string;
  right?: Right;
}

export interface Section {
  label: () => string;
  entries: Entry[];
}

export const ofApp: Section[] = [
  {
    label: () => t('App', '应用'),
    entries: [
      { name: 'app', icon: 'key', label: () => t('Overview', '概览') },
      { name: 'settings', icon: 'settings', label: () => t('Settings', '应用设置') },
    ],
  },
  {
    label: () => t('Push', '推送'),
    entries: [
      { name: 'send', icon: 'send', label: () => t('Send a push', '发送推送'), right: 'send' },
      { name: 'pushes', icon: 'history', label: () => t('Push history', '推送历史') },
      { name: 'trace', icon: 'search', label: () => t('Trace', '消息追踪') },
      { name: 'schedules', icon: 'clock', label: () => t('Schedules', '定时推送') },
      { name: 'segments', icon: 'filter', label: () => t('Segments', '用户分群') },
      { name: 'devices', icon: 'phone', label: () => t('Devices', '设备') },
      { name: 'tags', icon: 'tag', label: () => t('Tags and aliases', '标签与别名') },
    ],
  },
  {
    label: () => t('Messages', '即时通讯'),
    entries: [
      { name: 'send-im', icon: 'message', label: () => t('Send a message', '发送消息'), right: 'send' },
      { name: 'users', icon: 'user', label: () => t('Users', '用户') },
      { name: 'groups', icon: 'users', label: () => t('Groups', '群组') },
      { name: 'rooms', icon: 'room', label: () => t('Chat rooms', '聊天室') },
      { name: 'messages', icon: 'list', label: () => t('Messages', '消息记录'), right: 'read_messages' },
      { name: 'words', icon: 'warn', label: () => t('Sensitive words', '敏感词') },
    ],
  },
  {
    label: () => t('Figures', '数据'),
    entries: [
      { name: 'statistics', icon: 'chart', label: () => t('Statistics', '统计') },
      { name: 'reports', icon: 'download', label: () => t('Reports', '报表下载') },
      { name: 'connections', icon: 'plug', label: () => t('Connections', '连接') },
      { name: 'callbacks', icon: 'webhook', label: () => t('Callbacks', '回调') },
      { name: 'duties', icon: 'trash', label: () => t('Data duties', '数据义务'), right: 'manage_users' },
    ],
  },
];

export const top: Section = {
  label: () => t('All apps', '全局'),
  entries: [
    { name: 'dashboard', icon: 'home', label: () => t('Dashboard', '仪表盘') },
    { name: 'apps', icon: 'apps', label: () => t('Applications', '应用列表') },
  ],
};

export const ofDaemon: Section = {
  label: () => t('Daemon', '服务'),
  entries: [
    { name: 'app-groups', icon: 'layers', label: () => t('App groups', '应用分组'), right: 'manage_apps' },
    { name: 'developers', icon: 'terminal', label: () => t('Developers', '开发者'), right: 'manage_apps' },
    { name: 'operators', icon: 'shield', label: () => t('Operators', '操作员'), right: 'manage_operators' },
    { name: 'audit', icon: 'eye', label: () => t('Audit log', '审计日志') },
    { name: 'server', icon: 'server', label: () => t('Server state', '服务状态'), right: 'see_daemon' },
    { name: 'links', icon: 'plug', label: () => t('All connections', '全部连接'), right: 'see_daemon' },
  ],
};
