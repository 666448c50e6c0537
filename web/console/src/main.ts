/** Opens the page: what the daemon says first decides where one begins. */

import './set-up';
import '@anser/ui/base.css';
import './console.css';
import { followLocaleAndTheme } from '@anser/ui';
import { createApp } from 'vue';
import App from './App.vue';
import { router } from './router';

followLocaleAndTheme();
createApp(App).use(router).mount('#app');
