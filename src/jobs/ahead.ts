// Times that a database tells as texts, beside our clock.

/** Where a text has no zone: clocks of databases may show another zone's time, but no other day's than that. */
const furthestZoneMs = 14 * 3_600_000;

const form = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d)[\d.,]*)? ?(Z|[+-]\d\d(?::?\d\d)?)?$/;

/** Whether it is a time that no clock can show yet. A text that is no time is not ahead. */
export const isAhead = (text: string, now: Date): boolean => {
  if (/^(\d{5,}-|infinity$)/.test(text)) return true;
  const [, day, time = '00:00:00', zone] = form.exec(text) ?? [];
  const timeMs = Date.parse(`${day}T${time}Z`) - (zone === undefined ? furthestZoneMs : offsetMs(zone));
  return timeMs > now.getTime();
};

/** Whether it is a day, or a time of one, that a calendar has. */
export const isTime = (text: string): boolean => {
  const [, day, time = '00:00:00'] = form.exec(text) ?? [];
  const at = new Date(`${day}T${time}Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(`${day}T`);
};

const offsetMs = (zone: string): number => {
  const [, sign = '+', hours = 0, minutes = 0] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
};
