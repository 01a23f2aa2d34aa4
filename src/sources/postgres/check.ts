// What would stop or spoil a backup, asked before one is made.
import type { Finding } from '../source.ts';
import type { DumpRequest } from './dump.ts';

export const checkServer = async (_: Omit<DumpRequest, 'onClose'>): Promise<Finding[]> => [];
