// Takes a lock in a repository and is killed: <folder> <password>.
import { openRepository } from '../../src/repository/repository.ts';
import { openLocalStore } from '../../src/stores/local/local.ts';

const [folder = '', password = ''] = process.argv.slice(2);
await openRepository(openLocalStore(folder), password, {
  lock: 'shared',
  signal: new AbortController().signal,
});
process.kill(process.pid, 'SIGKILL');
