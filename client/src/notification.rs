//! Notifications and custom messages as an application reads them: every field of the payload, with its default.
//!
//! What travels is text and JSON that an app server wrote. A member that is missing, of another type or beyond its range reads as
//! its default; nothing makes a whole push unreadable.

use anser_protocol::content::{CustomMessage, Notification};
use serde_json::{Map, Value};

/// A JSON object.
pub type Object = Map<String, Value>;

pub const ALERT_SOUND: u8 = 1;
pub const ALERT_VIBRATE: u8 = 2;
pub const ALERT_LIGHT: u8 = 4;
pub const ALERT_ALL: u8 = ALERT_SOUND | ALERT_VIBRATE | ALERT_LIGHT;

/// The largest number of a style that the application registered.
const BUILDER_MAX: i64 = 999;

/// What one device shows, by the Android fields of the push API; HarmonyOS and others have some of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AndroidNotification {
    /// Empty: nothing is shown, but the application is told.
    pub alert: String,
    /// Empty: the name of the application.
    pub title: String,
    /// 0: the default style; else 1 to 999, a style that the application registered. One that it did not is the default.
    pub builder_id: u32,
    /// Empty, or unknown to the application: the default channel.
    pub channel_id: String,
    pub style: Style,
    /// What the notification does beside being there: [`ALERT_SOUND`], [`ALERT_VIBRATE`], [`ALERT_LIGHT`], added up.
    pub alert_type: u8,
    /// -2 to 2.
    pub priority: i8,
    /// Handed to the system.
    pub category: String,
    /// URL or name of a resource.
    pub large_icon: String,
    pub small_icon: String,
    pub icon_bg_color: String,
    /// The page that a tap opens; empty: the main one.
    pub intent: String,
    pub uri_activity: String,
    pub uri_action: String,
    pub badge: Option<BadgeChange>,
    /// The activity on whose icon the badge stands.
    pub badge_class: String,
    /// Name of a raw resource.
    pub sound: String,
    /// `yyyy-MM-dd HH:mm:ss` by the local clock, or empty: not to be shown before.
    pub show_begin_time: String,
    /// The same: not to be shown after.
    pub show_end_time: String,
    /// Shown also while the application is in front.
    pub display_foreground: bool,
    pub custom_buttons: Vec<Button>,
    /// The sender's own keys.
    pub extras: Object,
    /// All members of the platform's block, also those that have no field here.
    pub options: Object,
}

/// How a notification unfolds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Style {
    #[default]
    Plain,
    BigText(String),
    /// Lines.
    Inbox(Vec<String>),
    /// An http(s) URL, or a path on the device.
    BigPicture(String),
}

/// What a push does to the number on the icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadgeChange {
    Add(u32),
    Set(u32),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Button {
    pub name: String,
    pub action_type: u8,
    pub action: String,
    pub data: String,
}

impl Default for AndroidNotification {
    fn default() -> Self {
        Self::of(&Notification::default())
    }
}

impl AndroidNotification {
    /// Is this a time at which the sender wants it seen? `local` is what the device's clock shows, `yyyy-MM-dd HH:mm:ss`.
    pub fn may_show_at(&self, local: &str) -> bool {
        // Such texts are ordered as the times that they write.
        local >= self.show_begin_time.as_str()
            && (self.show_end_time.is_empty() || local <= self.show_end_time.as_str())
    }

    pub fn of(notification: &Notification) -> Self {
        let options = object(&notification.options);
        let text = |name: &str| text(&options, name);
        let style = match integer(&options, "style") {
            Some(1) => Style::BigText(text("big_text")),
            Some(2) => Style::Inbox(lines(options.get("inbox"))),
            Some(3) => Style::BigPicture(text("big_pic_path")),
            _ => Style::Plain,
        };
        let buttons = options.get("custom_buttons").and_then(Value::as_array);
        Self {
            alert: notification.alert.clone(),
            title: notification.title.clone(),
            builder_id: within(integer(&options, "builder_id"), 0, BUILDER_MAX).unwrap_or_default() as u32,
            channel_id: text("channel_id"),
            style,
            alert_type: within(integer(&options, "alert_type"), 0, ALERT_ALL.into()).unwrap_or(ALERT_ALL.into()) as u8,
            priority: within(integer(&options, "priority"), -2, 2).unwrap_or_default() as i8,
            category: text("category"),
            large_icon: text("large_icon"),
            small_icon: text("small_icon_uri"),
            icon_bg_color: text("icon_bg_color"),
            intent: options.get("intent").and_then(|intent| intent.get("url")).map(plain).unwrap_or_default(),
            uri_activity: text("uri_activity"),
            uri_action: text("uri_action"),
            badge: badge(&options),
            badge_class: text("badge_class"),
            sound: text("sound"),
            show_begin_time: text("show_begin_time"),
            show_end_time: text("show_end_time"),
            display_foreground: text("display_foreground") != "0",
            custom_buttons: buttons.into_iter().flatten().filter_map(button).collect(),
            extras: object(&notification.extras),
            options,
        }
    }
}

/// What an iOS device is sent when the application is in front; else the system shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IosNotification {
    /// The text, or the body of the dictionary.
    pub alert: String,
    pub title: String,
    pub subtitle: String,
    /// The dictionary, where the alert is one: localised keys and arguments are in here.
    pub alert_dictionary: Object,
    /// Empty: silent.
    pub sound: String,
    /// The dictionary of a critical sound.
    pub sound_dictionary: Object,
    /// As it was written: a number, or one with a sign before it, which is counted by the server. Empty: it stays.
    pub badge: String,
    pub content_available: bool,
    pub mutable_content: bool,
    pub category: String,
    pub thread_id: String,
    pub interruption_level: String,
    pub extras: Object,
    pub options: Object,
}

impl IosNotification {
    pub fn of(notification: &Notification) -> Self {
        let options = object(&notification.options);
        let dictionary = |name: &str| options.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
        let (alert, sound) = (dictionary("alert"), dictionary("sound"));
        Self {
            alert: notification.alert.clone(),
            title: notification.title.clone(),
            subtitle: text(&alert, "subtitle"),
            sound: if sound.is_empty() { text(&options, "sound") } else { text(&sound, "name") },
            badge: text(&options, "badge"),
            content_available: is_set(&options, "content-available"),
            mutable_content: is_set(&options, "mutable-content"),
            category: text(&options, "category"),
            thread_id: text(&options, "thread-id"),
            interruption_level: text(&options, "interruption-level"),
            extras: object(&notification.extras),
            alert_dictionary: alert,
            sound_dictionary: sound,
            options,
        }
    }
}

/// A custom message: nobody shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppMessage {
    pub title: String,
    pub content: String,
    pub content_type: String,
    pub extras: Object,
}

impl AppMessage {
    /// Nothing when there is no content: such a message is not for the application.
    pub fn of(message: &CustomMessage) -> Option<Self> {
        let CustomMessage { content, title, content_type, extras } = message;
        (!content.is_empty()).then(|| Self {
            title: title.clone(),
            content: content.clone(),
            content_type: content_type.clone(),
            extras: object(extras),
        })
    }
}

/// The object that a text holds; an empty one when it holds none.
pub(crate) fn object(json: &str) -> Object {
    match serde_json::from_str(json) {
        Ok(Value::Object(object)) => object,
        _ => Object::new(),
    }
}

/// Senders write numbers as texts and the other way round.
fn text(object: &Object, name: &str) -> String {
    object.get(name).map(plain).unwrap_or_default()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

fn integer(object: &Object, name: &str) -> Option<i64> {
    match object.get(name)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn within(number: Option<i64>, least: i64, most: i64) -> Option<i64> {
    number.filter(|number| (least..=most).contains(number))
}

fn is_set(object: &Object, name: &str) -> bool {
    match object.get(name) {
        Some(Value::Bool(is_set)) => *is_set,
        _ => integer(object, name) == Some(1),
    }
}

/// The values of an inbox, each a line, in the order of their keys.
fn lines(inbox: Option<&Value>) -> Vec<String> {
    match inbox {
        Some(Value::Object(inbox)) => inbox.values().map(plain).collect(),
        Some(Value::Array(inbox)) => inbox.iter().map(plain).collect(),
        _ => Vec::new(),
    }
}

/// A number that is set wins over one that is added.
fn badge(options: &Object) -> Option<BadgeChange> {
    let number = |name, least| within(integer(options, name), least, crate::display::BADGE_MAX.into());
    let set = number("badge_set_num", 0).map(|count| BadgeChange::Set(count as u32));
    set.or(number("badge_add_num", 1).map(|more| BadgeChange::Add(more as u32)))
}

fn button(value: &Value) -> Option<Button> {
    let button = value.as_object()?;
    Some(Button {
        name: text(button, "name"),
        action_type: within(integer(button, "action_type"), 0, u8::MAX.into()).unwrap_or_default() as u8,
        action: text(button, "action"),
        data: text(button, "data"),
    })
}

#[cfg(test)]
mod tests;
