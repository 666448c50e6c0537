/** "Is typing …": a transparent command with the text that JMessage's own chat pages use, and the times around it. */

/** While keys are pressed it is said this often. */
const SAY_EVERY_MS = 3_000;
/** After the last word of it nobody is typing any more. */
const SHOWN_FOR_MS = 6_000;

/** What a command says about typing, empty for the end of it; undefined when it is about something else. */
export function readTyping(text: string): string | undefined {
  try {
    const { type, content } = JSON.parse(text);
    return type === 'input' && typeof content?.message === 'string' ? content.message : undefined;
  } catch {
    return undefined;
  }
}

export class TypingOut {
  private to = '';
  private saidAt = -Infinity;

  constructor(private say: (user: string, text: string) => Promise<void>) {}

  async press(user: string, isTyping: boolean): Promise<void> {
    const now = Date.now();
    if (isTyping && this.to === user && now < this.saidAt + SAY_EVERY_MS) return;
    if (!isTyping && this.to !== user) return;
    this.to = isTyping ? user : '';
    this.saidAt = now;
    await this.say(user, JSON.stringify({ type: 'input', content: { message: isTyping ? '…' : '' } }));
  }

  /** The text was sent: the next key begins anew. */
  end(): void {
    this.to = '';
  }
}

/** Who types to the user, as far as was heard. */
export class Typers {
  private timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(private tell: (user: string, isTyping: boolean) => void) {}

  hear(user: string, isTyping: boolean): void {
    const timer = this.timers.get(user);
    clearTimeout(timer);
    if (isTyping)
      this.timers.set(
        user,
        setTimeout(() => this.hear(user, false), SHOWN_FOR_MS),
      );
    else this.timers.delete(user);
    if (isTyping !== (timer !== undefined)) this.tell(user, isTyping);
  }

  close(): void {
    this.timers.forEach((timer) => clearTimeout(timer));
  }
}
