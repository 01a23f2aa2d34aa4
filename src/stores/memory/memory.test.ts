import { storeContract } from '../testing.ts';
import { memoryStore } from './memory.ts';

storeContract('memory', { open: async () => memoryStore(), forgetful: true });
