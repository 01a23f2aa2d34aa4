// INI files as Python's configparser reads them, which is how the systems wrote theirs whose configuration is understood here.

export interface IniSection {
  /** By lower-case name. */
  readonly values: ReadonlyMap<string, string>;
}

/** A dollar begins a variable in our file. */
export const literal = (text: string): string => text.replaceAll('$', '$$$$');

/** Sections by their names; keys are lower-case, a value may go on in indented lines, and `#` and `;` begin comments of whole lines. */
export const parseIni = (text: string): ReadonlyMap<string, IniSection> => {
  const sections = new Map<string, { values: Map<string, string> }>();
  let section: { values: Map<string, string> } | undefined;
  let key: string | undefined;
  for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    const isMore = /^\s/.test(line) && key !== undefined;
    const content = line.trim();
    if (content === '' || /^[#;]/.test(content)) continue;
    const heading = /^\[([^\]]+)\]$/.exec(content)?.[1];
    if (heading !== undefined) {
      section = sections.get(heading) ?? { values: new Map() };
      sections.set(heading, section);
      key = undefined;
    } else if (isMore && section && key !== undefined) {
      section.values.set(key, `${section.values.get(key)}\n${content}`);
    } else {
      const [, name, value = ''] = /^([^:=]+?)\s*(?:[:=]\s*(.*))?$/.exec(content) ?? [];
      if (name === undefined || !section) continue;
      key = name.toLowerCase();
      section.values.set(key, value);
    }
  }
  return sections;
};
