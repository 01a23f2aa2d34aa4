import assert from 'node:assert/strict';
import { test } from 'node:test';
import { comparable } from './same-definition.ts';

test('what a server makes of its own words is the same definition', () => {
  const pairs = [
    [
      `CHECK (((s)::text = ANY ((ARRAY['a''::x'::character varying, 'B'::character varying])::text[])))`,
      `CHECK (((s)::text = ANY (ARRAY[('a''::x'::character varying)::text, ('B'::character varying)::text])))`,
    ],
    ['EXTRACT(YEAR FROM now()) - (1)::numeric(3,1)', 'EXTRACT(year FROM now()) - 1'],
    ['NULL::integer\n   FROM x', 'NULL::integer AS int4\n   FROM x'],
    ['(a)::timestamp(3) with time zone', `((a)::timestamp(3) with time zone) AS "timestamptz"`],
    ['(a)::sales."Mood"[]', '(a)::sales."Mood"[] AS "Mood"'],
  ] as const;
  for (const [before, after] of pairs) assert.equal(comparable(before), comparable(after));
});

test('another value, name or function is another definition', () => {
  const pairs = [
    ["CHECK ((a > 'x'::text))", "CHECK ((a > 'X'::text))"],
    ["CHECK ((a > '(x)'::text))", "CHECK ((a > 'x'::text))"],
    ['SELECT a AS b', 'SELECT a AS c'],
    ['SELECT a::integer AS b', 'SELECT a::integer AS c'],
    ['SELECT "A"', 'SELECT a'],
    ['AS $$ select (1) $$', 'AS $$ select 1 $$'],
    ['AS $_$ select $$x$$ $_$', 'AS $_$ select $$X$$ $_$'],
    ['a numeric(3,1)', 'a numeric(3,2)'],
    ['int4pl(a, b)', 'int4mi(a, b)'],
  ] as const;
  for (const [before, after] of pairs) assert.notEqual(comparable(before), comparable(after), before);
});
