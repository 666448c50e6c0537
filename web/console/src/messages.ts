/** What a message of the history says and carries. */

interface Said {
  msg_type: string;
  msg_body?: Record<string, unknown>;
}

/** The file of the message: that of a video stands one level deeper. */
function fileOf(message: Said): Record<string, unknown> | undefined {
  const body = message.msg_body;
  const video = body?.video;
  return typeof video === 'object' && video !== null ? (video as Record<string, unknown>) : body;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value ? value : undefined);

export const mediaOf = (message: Said): string | undefined => text(fileOf(message)?.media_id);

export const textOf = (message: Said): string =>
  text(message.msg_body?.text) ??
  text(message.msg_body?.label) ??
  text(fileOf(message)?.fname) ??
  (message.msg_type === 'custom' ? JSON.stringify(message.msg_body) : '');
