// A drill whose process is killed when its scratch place has been restored: <folder of the site> <source>.
import { drillWith, siteAt } from './drill.ts';

const [folder = '', source = ''] = process.argv.slice(2);
await drillWith(siteAt(folder), source, () => {
  process.kill(process.pid, 'SIGKILL');
});
