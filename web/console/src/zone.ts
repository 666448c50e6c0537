/** Local times of the daemon's zone, in which schedules are written. */

const OFFSET = /^([+-])(\d\d):(\d\d)$/;

/** Its name, where the daemon tells one that this browser knows, for then its summer time is known; else its offset. */
export function zoneOf(told: { time_zone?: string; time_zone_name?: string | null } | null): string {
  const name = told?.time_zone_name;
  return name && isKnown(name) ? name : (told?.time_zone ?? '+08:00');
}

function isKnown(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }));
  } catch {
    return false;
  }
}

/** `yyyy-MM-dd HH:mm:ss` in a zone like "+08:00" or "Europe/Berlin". */
export function inZone(ms: number, zone: string): string {
  const offset = OFFSET.exec(zone);
  if (!offset) return named(ms, zone);
  const minutes = (offset[1] === '-' ? -1 : 1) * (Number(offset[2]) * 60 + Number(offset[3]));
  return new Date(ms + minutes * 60_000).toISOString().slice(0, 19).replace('T', ' ');
}

function named(ms: number, zone: string): string {
  const format = new Intl.DateTimeFormat('en', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  const parts = Object.fromEntries(format.formatToParts(ms).map((part) => [part.type, part.value]));
  return `${parts.year}-${parts.month}-${parts.day} ${parts.hour}:${parts.minute}:${parts.second}`;
}
