/** The addresses of all pages. Pages load when they are first opened. */

import { createRouter, createWebHashHistory, type RouteRecordRaw } from 'vue-router';

const app: RouteRecordRaw[] = [
  { path: '', name: 'app', component: () => import('./pages/AppPage.vue') },
  { path: 'send', name: 'send', component: () => import('./pages/SendPage.vue'), meta: { isWritten: true } },
  { path: 'send-im', name: 'send-im', component: () => import('./pages/SendImPage.vue'), meta: { isWritten: true } },
  { path: 'pushes', name: 'pushes', component: () => import('./pages/PushesPage.vue') },
  { path: 'pushes/:id', name: 'push', component: () => import('./pages/PushPage.vue') },
  { path: 'trace', name: 'trace', component: () => import('./pages/TracePage.vue') },
  { path: 'schedules', name: 'schedules', component: () => import('./pages/SchedulesPage.vue') },
  { path: 'segments', name: 'segments', component: () => import('./pages/SegmentsPage.vue') },
  { path: 'devices', name: 'devices', component: () => import('./pages/DevicesPage.vue') },
  { path: 'devices/:id', name: 'device', component: () => import('./pages/DevicePage.vue') },
  { path: 'tags', name: 'tags', component: () => import('./pages/TagsPage.vue') },
  { path: 'users', name: 'users', component: () => import('./pages/UsersPage.vue') },
  { path: 'users/:id', name: 'user', component: () => import('./pages/UserPage.vue') },
  { path: 'groups', name: 'groups', component: () => import('./pages/GroupsPage.vue') },
  { path: 'groups/:id', name: 'group', component: () => import('./pages/GroupPage.vue') },
  { path: 'rooms', name: 'rooms', component: () => import('./pages/RoomsPage.vue') },
  { path: 'rooms/:id', name: 'room', component: () => import('./pages/RoomPage.vue') },
  { path: 'messages', name: 'messages', component: () => import('./pages/MessagesPage.vue') },
  { path: 'words', name: 'words', component: () => import('./pages/WordsPage.vue') },
  { path: 'statistics', name: 'statistics', component: () => import('./pages/StatisticsPage.vue') },
  { path: 'reports', name: 'reports', component: () => import('./pages/ReportsPage.vue') },
  { path: 'connections', name: 'connections', component: () => import('./pages/ConnectionsPage.vue') },
  { path: 'callbacks', name: 'callbacks', component: () => import('./pages/CallbacksPage.vue') },
  { path: 'duties', name: 'duties', component: () => import('./pages/DutiesPage.vue') },
  { path: 'settings', name: 'settings', component: () => import('./pages/SettingsPage.vue') },
];

export const router = createRouter({
  history: createWebHashHistory(),
  scrollBehavior: (_, __, saved) => saved ?? { top: 0 },
  routes: [
    { path: '/login', name: 'login', component: () => import('./pages/LoginPage.vue'), meta: { isOpen: true } },
    { path: '/set-up', name: 'set-up', component: () => import('./pages/SetUpPage.vue'), meta: { isOpen: true } },
    { path: '/', name: 'dashboard', component: () => import('./pages/DashboardPage.vue') },
    { path: '/apps', name: 'apps', component: () => import('./pages/AppsPage.vue') },
    { path: '/app-groups', name: 'app-groups', component: () => import('./pages/AppGroupsPage.vue') },
    { path: '/developers', name: 'developers', component: () => import('./pages/DevelopersPage.vue') },
    { path: '/operators', name: 'operators', component: () => import('./pages/OperatorsPage.vue') },
    { path: '/audit', name: 'audit', component: () => import('./pages/AuditPage.vue') },
    { path: '/server', name: 'server', component: () => import('./pages/ServerPage.vue') },
    { path: '/links', name: 'links', component: () => import('./pages/ConnectionsPage.vue') },
    { path: '/a/:app', children: app },
    { path: '/:rest(.*)*', name: 'nowhere', component: () => import('./pages/NowherePage.vue') },
  ],
});
