// Whether a node is what an earlier snapshot has, so that it need not be encoded again.
import type { EntryMeta } from '#sources/source.ts';
import { areSameIds } from '../packs/blob-ids.ts';
import type { TreeNode } from './tree.ts';

/** True only when `now` would be encoded as `before` was; `before` comes from a tree, which leaves no field out. */
export const isSameNode = (before: TreeNode, now: TreeNode): boolean =>
  before.name === now.name &&
  before.type === now.type &&
  before.subtree === now.subtree &&
  isSameMeta(before.meta, now.meta) &&
  areSameIds(before.content, now.content);

/** The same of metadata alone. */
export const isSameMeta = (before: EntryMeta, now: EntryMeta): boolean =>
  before.mtime === (now.mtime ?? 0n) &&
  before.ctime === (now.ctime ?? now.mtime ?? 0n) &&
  before.atime === (now.atime ?? now.mtime ?? 0n) &&
  before.inode === (now.inode ?? 0n) &&
  before.size === (now.size ?? 0) &&
  before.mode === (now.mode ?? 0) &&
  before.uid === (now.uid ?? 0) &&
  before.gid === (now.gid ?? 0) &&
  before.links === (now.links ?? 0) &&
  before.deviceId === (now.deviceId ?? 0n) &&
  (before.device ?? 0n) === (now.device ?? 0n) &&
  before.user === (now.user || undefined) &&
  before.group === (now.group || undefined) &&
  before.linkTarget === now.linkTarget &&
  isSameXattrs(before.xattrs, now.xattrs);

const isSameXattrs = (before: EntryMeta['xattrs'] = [], now: EntryMeta['xattrs'] = []): boolean =>
  before.length === now.length &&
  before.every(({ name, value }, index) => {
    const other = now[index];
    return other?.name === name && Buffer.compare(other.value, value) === 0;
  });
