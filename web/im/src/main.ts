import '@anser/ui/base.css';
import './styles/layout.css';
import './styles/list.css';
import './styles/chat.css';
import './styles/panels.css';
import { followLocaleAndTheme } from '@anser/ui';
import { createApp } from 'vue';
import App from './App.vue';
import { start } from './state/session.js';
import './state/notices.js';
import './state/requests.js';

// A file that is dropped beside a chat would take the page's place.
for (const name of ['dragover', 'drop'] as const) {
  addEventListener(name, (event) => {
    if (event.defaultPrevented || !event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = 'none';
  });
}

followLocaleAndTheme();
createApp(App).mount('#app');
void start();
