/** A filter of a list: a text, a time, or a choice. */
export interface Filter {
  label: string;
  /** Its name in the query of the address. */
  name: string;
  /** Its value when the address says nothing. */
  otherwise?: string;
  type?: 'search' | 'datetime-local' | 'date';
  options?: { value: string; label: string }[];
}

/** The browser's local time of an input as milliseconds. */
export function msOf(local: string): number | undefined {
  const ms = local ? new Date(local).getTime() : NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
