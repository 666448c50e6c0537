/**
 * Sentences of the daemon in Chinese; in English they are shown as they come. Braces are for whatever stands there, which
 * may be a sentence itself. What is not in the table is shown as it comes: a test compares it with the daemon.
 */

import { locale, t } from '@anser/ui/i18n';

export const SENTENCES: readonly (readonly [daemon: string, chinese: string])[] = [
  // How a push stands.
  ['It was withdrawn: nobody is given it any more.', '已撤回：不再投递给任何设备。'],
  ['It was replaced by the push {}: nobody is given it any more.', '已被推送 {} 覆盖：不再投递给任何设备。'],
  [
    'It had no lifetime: only devices connected when it was accepted were sent it.',
    '未设置离线保留：只发给受理时在线的设备。',
  ],
  [
    'It expired at {}: devices that had not come by then are not given it.',
    '已于 {} 过期：此前未上线的设备不再收到。',
  ],
  ['It is given out slowly, {} of {} parts so far, until {}.', '正在匀速投递，已完成 {} / {} 份，截止 {}。'],
  ['It waits for devices that are away until {}.', '为离线设备保留至 {}。'],
  // Where its times come from.
  [
    'exact, remembered since the start because the push was for few devices',
    '时间准确：目标设备较少，自服务启动起逐一记录。',
  ],
  ['none: these are the stored bits, which say what but not when', '没有时间：只保存了是否发生，未保存何时发生。'],
  // What became of it at a device.
  ['The device received it, and its user clicked it.', '设备已收到，且用户已点击。'],
  ['The device received it.', '设备已收到。'],
  [
    'It is not for this device, which was registered at {}, after the push was accepted.',
    '不发给该设备：它于 {} 注册，晚于推送的受理时间。',
  ],
  ['Too old to tell: retention has removed for whom it was.', '时间过久，无法判断：目标记录已按保留期清除。'],
  [
    "A bridge handed it to the service of the device's maker; the device has not reported it. If it does not show there, " +
      "look at the app's permission for notifications.",
    '已通过厂商通道交给厂商服务，设备尚未回报。如果设备上没有显示，请检查应用的通知权限。',
  ],
  ['It did not come before that: {}', '在此之前未送达：{}'],
  [
    'It had no lifetime (time_to_live 0), and the device was not connected then.',
    '未设置离线保留（time_to_live 为 0），且设备当时不在线。',
  ],
  [
    'The device asked for no pushes (stop); it is given this one if it resumes in time.',
    '设备已停止接收推送（stop）；若在有效期内恢复，仍会收到。',
  ],
  [
    '{} newer pushes wait for the device, and only the newest {} are given to it (push.offline_limit).',
    '该设备有 {} 条更新的推送在等待，只保留最新的 {} 条（push.offline_limit）。',
  ],
  [
    'It was not chosen: no {} device was; the push says nothing for {}, or its audience has none.',
    '未命中：没有任何 {} 设备命中；推送没有 {} 平台的内容，或目标人群中没有该平台的设备。',
  ],
  [
    'It was not sent: the push had no lifetime (time_to_live 0), and the device was not connected then or not in the ' +
      'audience.',
    '未发送：推送未设置离线保留（time_to_live 为 0），且设备当时不在线，或不在目标人群内。',
  ],
  [
    'It was not chosen: the device was away for so long that no push is for it until it comes back (push.inactive_days).',
    '未命中：设备离线过久，在重新上线前不再推送（push.inactive_days）。',
  ],
  [
    'It was not chosen: the device was not in the audience when the push was accepted. Compare its tags and alias (GET ' +
      '/v3/devices/…) with the audience of the push.',
    '未命中：推送受理时设备不在目标人群内。请比较其标签与别名（GET /v3/devices/…）和推送的目标人群。',
  ],
  [
    "It was written to the device's link at {}, and the device has not reported it: the link may have broken then, or its app " +
      'has not stored it yet.',
    '已于 {} 写入设备的连接，设备尚未回报：连接可能当时已断开，或应用还没有保存。',
  ],
  [
    "It was handed to the device's link when it was accepted, and the device has not reported it.",
    '受理时已交给设备的连接，设备尚未回报。',
  ],
  ['last seen at {}', '最后在线于 {}'],
  ['never seen as far as is known', '没有在线记录'],
  ['The device did not come before it expired at {}; {}.', '设备在 {} 过期之前没有上线；{}。'],
  [
    'The device is connected and has not been sent it yet; look again in a moment.',
    '设备在线，但尚未发送；请稍后再看。',
  ],
  [
    "It is given out slowly, and this device's part may not have been released yet; {}.",
    '正在匀速投递，可能还没有轮到该设备；{}。',
  ],
  ['The device is away, {}; the push waits for it until {}.', '设备离线，{}；推送为其保留至 {}。'],
  // How a message stands.
  [
    'It stands; {} of the {} to whom it was given have read it.',
    '消息有效；其中 {} 人已读，共送达 {} 人。',
  ],
  [
    'It stands, on disk; it did not ask for receipts, so who has read it is not known.',
    '消息有效，已写入磁盘；发送时未要求回执，因此不知道谁已读。',
  ],
  // Why the daemon is not ready.
  ['the daemon is stopping', '服务正在停止'],
  [
    'the disk has been busy with one write for {} s; look at it with `dmesg` and `iostat`',
    '磁盘的一次写入已持续 {} 秒；请用 `dmesg` 和 `iostat` 检查',
  ],
  ['nothing can be stored: {}', '无法写入：{}'],
  ['no answer within {} s', '{} 秒内没有回应'],
  ['the disk of the data folder cannot be looked at: {}', '无法检查数据目录所在的磁盘：{}'],
  [
    'only {} MiB are free on the disk of the data folder, and {} are needed; make room',
    '数据目录所在磁盘仅剩 {} MiB，至少需要 {} MiB；请清理空间',
  ],
  ['too many changes are waiting; try again later', '排队的写入过多，请稍后重试'],
  [
    "the server's disk is full and nothing is stored until there is room; try again later",
    '服务器磁盘已满，腾出空间前无法写入，请稍后重试',
  ],
  ['nothing can be stored at the moment, try again later: {}', '暂时无法写入，请稍后重试：{}'],
  ['the store is not available: {}', '存储不可用：{}'],
  ["what is stored could not be read; the daemon's log says more", '无法读取存储的数据，详见服务日志'],
  // What the console's API answers in one way only is worded by its code, see below.
  ['the app has no such push, or it was too long ago', '应用没有该推送，或时间过久'],
  ['the app has no such user', '应用没有该用户'],
  ['the app has no such device', '应用没有该设备'],
  ['the app has no such group', '应用没有该群组'],
  ['the app has no such room', '应用没有该聊天室'],
  ['there is no such operator', '没有该操作员'],
  ['there must be an owner: make another one first', '必须保留一位所有者：请先添加另一位'],
  ['an app of this name exists', '已有同名应用'],
  [
    "name must be the app's name, so that no other is deleted by mistake",
    '请输入该应用的名称，以免误删其他应用',
  ],
  ['the msg_id must be a whole number', 'msg_id 必须是整数'],
  ['from_ms is before to_ms', '开始时间必须早于结束时间'],
  ['address must be an IP address', '地址必须是 IP 地址'],
  [
    'nothing of msg_id {} is known: it was refused, its days are over (retention), or it is of another daemon',
    '没有 msg_id {} 的记录：它被拒绝、已过保留期，或属于另一个服务',
  ],
  ['the app of this push has no device {}', '该推送所属的应用没有设备 {}'],
  ['the name has 1 to 64 bytes and no control characters', '名称为 1 到 64 字节，不含控制字符'],
  ['the name of an app has 1 to 64 bytes and no control characters', '应用名称为 1 到 64 字节，不含控制字符'],
  ['the name of an operator has 1 to 64 letters, digits and _ . - @', '操作员名称为 1 到 64 个字母、数字或 _ . - @'],
  ['the password of an operator has 10 to 256 bytes', '操作员密码为 10 到 256 字节'],
  ['an operator of this name exists; `anserd operator list` shows all', '已有同名操作员'],
  ['too many passwords are being checked; try again', '正在校验的密码过多，请重试'],
  ['there is no such app any more', '该应用已不存在'],
  ['it does not exist any more', '它已不存在'],
  ['a rate is a whole number from 1 to {}, which is no limit', '频率为 1 到 {} 的整数，后者表示不限'],
  ['at most {} addresses or ranges may be named', '地址或网段最多 {} 个'],
  ['days are 1 to {}, or forever', '天数为 1 到 {}，或永久'],
  ['by {}, figures reach back 1 to {}', '按 {} 统计时，可回溯 1 到 {}'],
  ['p12_base64 is no base64', '文件内容不是有效的 base64'],
  ['the file has more than {} KiB', '文件超过 {} KiB'],
  ['the file is no PKCS#12 file, or its password is another one', '不是 PKCS#12 文件，或文件密码不正确'],
  ['the file is no PKCS#12 file', '不是 PKCS#12 文件'],
  ['the file holds no private key', '文件中没有私钥'],
  ['the file holds no certificate that belongs to its key', '文件中没有与私钥对应的证书'],
  ['the certificate cannot be read', '无法读取证书'],
  ['the certificate has expired', '证书已过期'],
];

interface Known {
  pattern: RegExp;
  chinese: string;
}

const HOLE = /\{\}/;
let known: Known[] | undefined;

function table(): Known[] {
  known ??= SENTENCES.map(([daemon, chinese]) => ({
    pattern: new RegExp(`^${daemon.split(HOLE).map(escaped).join('([^]+?)')}$`),
    chinese,
  }));
  return known;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** In the language of the page. */
export function inWords(sentence: string): string {
  if (locale.value === 'en') return sentence;
  for (const { pattern, chinese } of table()) {
    const found = pattern.exec(sentence);
    if (!found) continue;
    let at = 0;
    return chinese.replace(/\{\}/g, () => inWords(found[++at] ?? ''));
  }
  return amended(sentence) ?? sentence;
}

/** The one sentence that is made of a word of the daemon. */
function amended(sentence: string): string | undefined {
  const found = /^It was (retracted|edited|erased) at (.+)\.$/.exec(sentence);
  if (!found) return undefined;
  const how = { retracted: '撤回', edited: '编辑', erased: '抹除' }[found[1] as 'retracted' | 'edited' | 'erased'];
  return `已于 ${found[2]} ${how}。`;
}

/** What a failed call is told as. The codes are words of the console's API or numbers of the public one. */
export function faultInWords(code: string | number, message: string): string {
  const told = inWords(message);
  if (told !== message) return told;
  const fixed: Record<string, string> = {
    unreachable: t('The daemon cannot be reached.', '无法连接到服务。'),
    no_session: t(message, '请登录：会话不存在或已结束。'),
    wrong_password: t(message, '用户名或密码错误。'),
    not_allowed: t(message, '您的角色不允许此操作。'),
    foreign_origin: t(message, '请求来自其他网站，已拒绝。'),
    no_console_header: t(message, '请求缺少 X-Anser-Console: 1。'),
    unknown_app: t(message, '没有该应用，或您无权访问。'),
    no_route: t(message, '没有该接口。'),
    method: t(message, '该路径不支持此方法。'),
    too_large: t(message, '请求内容过大。'),
    not_json: t(message, '请以 application/json 提交。'),
    set_up_over: t(message, '链接已使用、已超过一天，或不正确。'),
    demo_over: t(message, '链接已使用，或演示已重新开始：请使用新的链接。'),
    too_many: t(message, '尝试次数过多，请稍等一分钟。'),
    internal: t(message, '服务内部出错，详见服务日志。'),
    // Of these the message says more than the code.
    invalid: t(message, `请求无效：${message}`),
    unknown: t(message, `未找到：${message}`),
    refused: t(message, `已被拒绝：${message}`),
    busy: t(message, `服务繁忙：${message}`),
  };
  return fixed[code] ?? message;
}
