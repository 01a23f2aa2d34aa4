// Views, procedures, functions and triggers: their own text, under the name that they have today.
import { type QualifiedName, quoteIdentifier, quoteName } from './identifiers.ts';
import type { Module } from './model.ts';

const blank = String.raw`(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)`;
const part = String.raw`(?:\[(?:[^\]]|\]\])+\]|"(?:[^"]|"")+"|[^\s.\[\]"(;,]+)`;
const header = new RegExp(
  String.raw`^(${blank}*CREATE${blank}+(?:OR${blank}+ALTER${blank}+)?(?:PROCEDURE|PROC|FUNCTION|VIEW|TRIGGER)${blank}+)(${part}(?:${blank}*\.${blank}*${part})*)`,
  'i',
);

/** The definition under this name. sp_rename leaves the text as it was, so the one in it may be of old. */
export const withName = (definition: string, name: QualifiedName): string =>
  definition.replace(header, (_, before: string) => before + quoteName(name));

/** Its text, made under the settings that it was made with; they stay with it. */
export const moduleSql = ({ definition, ansiNulls, quotedIdentifier }: Module): readonly string[] => {
  const off = [...(ansiNulls ? [] : ['ANSI_NULLS']), ...(quotedIdentifier ? [] : ['QUOTED_IDENTIFIER'])];
  return [...off.map((name) => `SET ${name} OFF`), definition, ...off.map((name) => `SET ${name} ON`)];
};

export const disableTriggerSql = ({ schema, name, parent }: Module): string =>
  parent
    ? `DISABLE TRIGGER ${quoteName({ schema, name })} ON ${quoteName(parent)}`
    : `DISABLE TRIGGER ${quoteIdentifier(name)} ON DATABASE`;
