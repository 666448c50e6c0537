/** The app of the address, and paths of calls about it. */

import { useRoute } from 'vue-router';
import { get, part, type Call, type Query } from './api';

export const useApp = (): string => String(useRoute().params.app ?? '');
export const useId = (): string => String(useRoute().params.id ?? '');
export const ofApp = (app: string, path: string, query: Query = {}): Call => get(`/apps/${part(app)}${path}`, query);
