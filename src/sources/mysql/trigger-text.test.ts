import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namesItsDatabase, triggerHere } from './trigger-text.ts';

const definer = 'CREATE DEFINER=`trigger a.b`@`%` ';

test('a trigger loses the database that it names, and nothing else', () => {
  const body = ' FOR EACH ROW begin insert into `up`.log values (up.f()); end';
  for (const [text, here] of [
    ['TRIGGER `up`.`t.r` BEFORE INSERT ON `up`.`Tab`', 'TRIGGER `t.r` BEFORE INSERT ON `Tab`'],
    ['trigger up . tr\nafter delete on\tup.tab', 'trigger tr\nafter delete on\ttab'],
    ['TRIGGER "u""p"./* x.y */"tr" BEFORE UPDATE ON tab', 'TRIGGER "tr" BEFORE UPDATE ON tab'],
    ['TRIGGER if not exists u`` BEFORE UPDATE ON', 'TRIGGER if not exists u`` BEFORE UPDATE ON'],
    ['TRIGGER tr BEFORE INSERT OR UPDATE ON up.tab', 'TRIGGER tr BEFORE INSERT OR UPDATE ON tab'],
    ['TRIGGER `before on x.y` AFTER INSERT ON `a``.b`', 'TRIGGER `before on x.y` AFTER INSERT ON `a``.b`'],
  ] as const) {
    assert.equal(triggerHere(definer + text + body), definer + here + body);
    assert.equal(namesItsDatabase(definer + here + body), false);
  }
});

test('a database that is named in a way that is not understood is noticed', () => {
  const odd = `${definer}TRIGGER up.tr BEFORE UPDATE OF x ON up.tab FOR EACH ROW set @x = 1`;
  assert.equal(triggerHere(odd), odd);
  assert.equal(namesItsDatabase(odd), true);
});
