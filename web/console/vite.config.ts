import { page } from '../tools/page.js';

export default page('console');
