//! "Is typing …": a transparent command with a text that JMessage's own chat pages use, and the times around it.

use std::time::Duration;

use anser_protocol::names::Name;
use serde_json::{Value, json};

/// While keys are pressed it is said this often.
const SAY_EVERY: Duration = Duration::from_secs(3);
/// After the last word of it nobody is typing any more.
const SHOWN_FOR: Duration = Duration::from_secs(6);

/// The text of the command; `message` is what an old page shows.
pub fn command(message: &str) -> String {
    json!({"type": "input", "content": {"message": message}}).to_string()
}

/// What a command says about typing; nothing when it is about something else.
pub fn read(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    if value.get("type")?.as_str()? != "input" {
        return None;
    }
    Some(value.get("content")?.get("message")?.as_str()?.to_owned())
}

/// When to say that the user types.
#[derive(Clone, Debug, Default)]
pub struct Typing {
    said_at: Option<Duration>,
}

impl Typing {
    /// A key was pressed: is it to be said now?
    pub fn press(&mut self, now: Duration) -> bool {
        let is_due = self.said_at.is_none_or(|at| now >= at + SAY_EVERY);
        if is_due {
            self.said_at = Some(now);
        }
        is_due
    }

    /// The text was sent or thrown away: the next key begins anew.
    pub fn end(&mut self) {
        self.said_at = None;
    }
}

/// Who types to the user, as far as was heard. Of each only the last word counts.
#[derive(Clone, Debug, Default)]
pub struct Typers(Vec<(Name, Duration)>);

impl Typers {
    pub fn hear(&mut self, from: &Name, now: Duration) {
        self.forget(from);
        self.0.retain(|(_, until)| *until > now);
        self.0.push((from.clone(), now + SHOWN_FOR));
    }

    /// A message came: whoever wrote it is done.
    pub fn forget(&mut self, from: &str) {
        self.0.retain(|(name, _)| **name != *from);
    }

    pub fn is_typing(&self, from: &str, now: Duration) -> bool {
        self.0.iter().any(|(name, until)| **name == *from && *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn it_is_said_while_keys_are_pressed_but_not_for_each() {
        let mut typing = Typing::default();
        assert_eq!([0, 1, 2, 3, 4, 6].map(|now| typing.press(at(now))), [true, false, false, true, false, true]);
        typing.end();
        assert!(typing.press(at(7)));
    }

    #[test]
    fn it_is_shown_for_a_while_after_the_last_word_and_until_the_message() {
        let mut typers = Typers::default();
        typers.hear(&"bob".into(), at(0));
        typers.hear(&"bob".into(), at(3));
        assert!(typers.is_typing("bob", at(8)) && !typers.is_typing("bob", at(9)) && !typers.is_typing("carol", at(3)));
        typers.forget("bob");
        assert!(!typers.is_typing("bob", at(4)));
    }

    #[test]
    fn other_commands_say_nothing_of_it() {
        assert_eq!(read(&command("对方正在输入...")).as_deref(), Some("对方正在输入..."));
        for other in ["", "ring", "{}", r#"{"type":"input"}"#, r#"{"type":"call","content":{"message":"x"}}"#] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
