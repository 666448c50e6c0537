import { fileURLToPath } from 'node:url';
import { page } from '../tools/page.js';

/** The SDK is taken from its sources: one build, and only what the page uses of it. */
const client = fileURLToPath(new URL('../../client/web/src/index.ts', import.meta.url));

export default page('im', { resolve: { alias: { '@anser/client': client } } });
