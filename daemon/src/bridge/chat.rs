//! Chat messages to users none of whose devices holds a link: their sleeping devices are told, if a bridge wakes for chat.
//!
//! At most once, and of each chat only the newest message between two looks: the messages themselves wait in the log. What
//! was not told when the daemon stops is not told any more.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anser_protocol::content::ContentKind;
use anser_protocol::ids::TimeMs;
use anser_protocol::options::SendOptions;
use anser_storage::ids::{AppNumber, ChainNumber, DeviceNumber, UserNumber};
use anser_storage::outcome::{Appended, Message, MessageBody, Route};
use anser_storage::{Chat, PushToken, ReadError, Snapshot};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::{Map, Value, json};

use super::{Bridges, Notice, TokenKind, Uploaded};
use crate::ledger::{Ledger, Unavailable};
use crate::switchboard::Switchboard;

/// Users and chats between two looks; of more than these nobody is told.
const MISSED_MAX: usize = 10_000;
/// Users who are told at a time.
const AT_ONCE: usize = 256;
/// What is shown of a text.
const PREVIEW_CHARS: usize = 100;
const LIFETIME_MS: TimeMs = 86_400_000;

/// What users missed, by chat.
#[derive(Debug, Default)]
pub struct Sleepers {
    is_on: AtomicBool,
    missed: Mutex<BTreeMap<(AppNumber, UserNumber, ChainNumber), Arc<Appended>>>,
}

impl Sleepers {
    /// From now on it is noted what users miss.
    pub fn switch_on(&self) {
        self.is_on.store(true, Ordering::Relaxed);
    }

    /// A record came for somebody who has no link.
    pub fn note(&self, user: UserNumber, appended: &Arc<Appended>) {
        if !self.is_on.load(Ordering::Relaxed) {
            return;
        }
        self.forget_if_amended(user, appended);
        let Some(chain) = chain_if_worth_waking(user, &appended.route) else { return };
        let (mut missed, key) = (self.lock(), (appended.app, user, chain));
        if missed.len() < MISSED_MAX || missed.contains_key(&key) {
            missed.insert(key, appended.clone());
        }
    }

    /// What was taken back or changed since is not shown as it was.
    fn forget_if_amended(&self, user: UserNumber, appended: &Appended) {
        let (Route::Single { chain, message, .. } | Route::Group { chain, message, .. }) = &appended.route else {
            return;
        };
        let MessageBody::Amendment(amendment) = &message.body else { return };
        let (mut missed, key) = (self.lock(), (appended.app, user, *chain));
        if missed.get(&key).is_some_and(|waiting| waiting.position == amendment.position) {
            missed.remove(&key);
        }
    }

    fn take(&self) -> Vec<(UserNumber, Arc<Appended>)> {
        let missed = std::mem::take(&mut *self.lock());
        missed.into_iter().map(|((_, user, _), appended)| (user, appended)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(AppNumber, UserNumber, ChainNumber), Arc<Appended>>> {
        self.missed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nobody is woken by events, by what they wrote themselves, or by what the sender wants no notice of.
fn chain_if_worth_waking(user: UserNumber, route: &Route) -> Option<ChainNumber> {
    let (chain, from, message) = match route {
        Route::Single { chain, from, message, .. } => (chain, Some(*from), message),
        Route::Group { chain, from, message, .. } => (chain, *from, message),
        _ => return None,
    };
    let is_message = matches!(&message.body, MessageBody::Content(content) if content.may_wake());
    (is_message && from != Some(user)).then_some(*chain)
}

struct Asleep {
    token: PushToken,
    notice: Notice,
}

/// Tells those who missed something since the last look.
pub async fn wake(
    ledger: &Ledger,
    switchboard: &Switchboard,
    bridges: &Bridges,
    now_ms: TimeMs,
) -> Result<(), Unavailable> {
    let missed = switchboard.sleepers.take();
    for some in missed.chunks(AT_ONCE) {
        let some = some.to_vec();
        let asleep = ledger.read(move |snapshot| {
            let mut asleep = Vec::new();
            for (user, appended) in &some {
                find(snapshot, *user, appended, now_ms, &mut asleep)?;
            }
            let mut uploaded = BTreeMap::new();
            for (app, ..) in &asleep {
                if !uploaded.contains_key(app) {
                    uploaded.insert(*app, Uploaded::read(snapshot, *app)?);
                }
            }
            Ok((asleep, uploaded))
        });
        let (asleep, uploaded) = asleep.await?;
        let mut notices = FuturesUnordered::new();
        for (app, device, Asleep { token, mut notice }) in asleep {
            let kind = TokenKind(token.kind);
            notice.certificate = uploaded.get(&app).and_then(|uploaded| uploaded.of(kind));
            if bridges.wakes_for_chat(&notice.app_key, kind) && !switchboard.holds_link(app, device) {
                notices.push(async move { bridges.hand_over(kind, &token.token, &notice).await });
            }
        }
        while notices.next().await.is_some() {}
    }
    Ok(())
}

/// The devices on which the user is logged in and that gave a token.
fn find(
    snapshot: &Snapshot,
    user: UserNumber,
    appended: &Appended,
    now_ms: TimeMs,
    asleep: &mut Vec<(AppNumber, DeviceNumber, Asleep)>,
) -> Result<(), ReadError> {
    let app = appended.app;
    let Some(row) = snapshot.app(app)? else { return Ok(()) };
    let Some((chain, title, alert, extras)) = shown(snapshot, user, appended)? else { return Ok(()) };
    if is_muted(snapshot, user, appended)? {
        return Ok(());
    }
    for device in snapshot.devices_of_user(app, user)? {
        let (Some(token), Some(known)) = (snapshot.push_token(app, device)?, snapshot.device(app, device)?) else {
            continue;
        };
        let notice = Notice {
            app_key: row.app_key.clone(),
            msg_id: appended.position,
            registration_id: known.registration_id,
            title: title.clone(),
            alert: alert.clone(),
            block: Map::new(),
            extras: extras.clone(),
            vendors: Map::new(),
            badge: None,
            collapse_id: Some(format!("chat-{}", chain.0)),
            expires_ms: now_ms.saturating_add(LIFETIME_MS),
            certificate: None,
        };
        asleep.push((app, device, Asleep { token, notice }));
    }
    Ok(())
}

/// Of a chat that the user wants no notices of, the messages only wait in the log.
fn is_muted(snapshot: &Snapshot, user: UserNumber, appended: &Appended) -> Result<bool, ReadError> {
    match &appended.route {
        Route::Single { from, .. } => snapshot.is_muted(appended.app, user, Chat::User(*from)),
        Route::Group { group, .. } => snapshot.is_muted(appended.app, user, Chat::Group(*group)),
        _ => Ok(false),
    }
}

type Shown = (ChainNumber, String, String, Map<String, Value>);

fn shown(snapshot: &Snapshot, user: UserNumber, appended: &Appended) -> Result<Option<Shown>, ReadError> {
    let object = |value: Value| value.as_object().cloned().unwrap_or_default();
    Ok(match &appended.route {
        Route::Single { chain, from_name, message, .. } => {
            let options = options(message);
            let title = or(&options.notice.title, or(&options.from_name, from_name.to_string()));
            let alert = or(&options.notice.alert, preview(message));
            Some((*chain, title, alert, object(json!({"chat_user": **from_name}))))
        }
        Route::Group { chain, group, from_name, message, .. } => {
            let options = options(message);
            let name = snapshot.joined_group(appended.app, *group)?.map(|joined| joined.group.name).unwrap_or_default();
            let title = or(&options.notice.title, name);
            let sender = or(&options.from_name, from_name.to_string());
            let mut alert = or(&options.notice.alert, format!("{sender}: {}", preview(message)));
            if !options.notice.at_prefix.is_empty() {
                let reader = snapshot.user(appended.app, user)?.map(|user| user.username).unwrap_or_default();
                if options.mentions.includes(&reader) {
                    alert.insert_str(0, &options.notice.at_prefix);
                }
            }
            Some((*chain, title, alert, object(json!({"chat_group": group.0}))))
        }
        _ => None,
    })
}

fn options(message: &Message) -> SendOptions {
    match &message.body {
        MessageBody::Content(content) => SendOptions::of(content),
        _ => SendOptions::default(),
    }
}

/// What the sender wants to be shown, or what is shown otherwise.
fn or(wanted: &str, otherwise: String) -> String {
    if wanted.is_empty() { otherwise } else { wanted.to_owned() }
}

/// A text begins with what it says; of what is no text the kind is named.
fn preview(message: &Message) -> String {
    let MessageBody::Content(content) = &message.body else { return "…".to_owned() };
    match content.as_text() {
        Some(text) => text.chars().take(PREVIEW_CHARS).collect(),
        None => match content.kind {
            ContentKind::IMAGE => "[image]",
            ContentKind::VOICE => "[voice]",
            ContentKind::FILE => "[file]",
            ContentKind::VIDEO => "[video]",
            ContentKind::LOCATION => "[location]",
            _ => "…",
        }
        .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use anser_protocol::content::{Amendment, AmendmentKind, Content, GroupEvent, GroupEventKind};
    use anser_protocol::ids::Position;

    use super::*;

    const ALICE: UserNumber = UserNumber(1);
    const BOB: UserNumber = UserNumber(2);

    fn message(position: u64, chain: u64, body: MessageBody) -> Arc<Appended> {
        let message = Arc::new(Message { seq: 1, body, sent_by: None });
        let (from_name, to_name): (Arc<str>, Arc<str>) = ("alice".into(), "bob".into());
        let route = Route::Single { chain: ChainNumber(chain), from: ALICE, from_name, to: BOB, to_name, message };
        Arc::new(Appended { app: AppNumber(1), position: Position(position), at_ms: 0, route })
    }

    fn text(position: u64, chain: u64) -> Arc<Appended> {
        message(position, chain, MessageBody::Content(Content::text("hello")))
    }

    #[test]
    fn of_each_chat_the_newest_message_is_remembered_until_somebody_looks() {
        let sleepers = Sleepers::default();
        sleepers.note(BOB, &text(1, 1));
        assert!(sleepers.take().is_empty(), "nobody wants to know");
        sleepers.switch_on();
        for (position, chain) in [(2, 1), (3, 2), (4, 1)] {
            sleepers.note(BOB, &text(position, chain));
        }
        let taken: Vec<u64> = sleepers.take().iter().map(|(_, appended)| appended.position.0).collect();
        assert_eq!(taken, [4, 3]);
        assert!(sleepers.take().is_empty());
    }

    #[test]
    fn nobody_is_woken_by_what_they_wrote_or_by_an_event() {
        let sleepers = Sleepers::default();
        sleepers.switch_on();
        sleepers.note(ALICE, &text(1, 1));
        let (by, new_owner) = (String::new(), String::new());
        let event = GroupEvent { kind: GroupEventKind::CREATED, by, users: Vec::new(), new_owner };
        sleepers.note(BOB, &message(2, 1, MessageBody::Event(event)));
        assert!(sleepers.take().is_empty());
    }

    #[test]
    fn nobody_is_woken_by_what_is_to_be_quiet_or_for_those_who_are_there() {
        let sleepers = Sleepers::default();
        sleepers.switch_on();
        let with = |options: SendOptions| MessageBody::Content(options.add_to(Content::text("hello")));
        sleepers.note(BOB, &message(1, 1, with(SendOptions { no_notification: true, ..SendOptions::default() })));
        sleepers.note(BOB, &message(2, 2, with(SendOptions { no_offline: true, ..SendOptions::default() })));
        assert!(sleepers.take().is_empty());
    }

    #[test]
    fn what_was_taken_back_before_anybody_looked_is_not_shown() {
        let sleepers = Sleepers::default();
        sleepers.switch_on();
        let retracted = |position| {
            let (kind, by) = (AmendmentKind::RETRACTED, "alice".to_owned());
            MessageBody::Amendment(Amendment { position: Position(position), kind, by, content: None })
        };
        sleepers.note(BOB, &text(1, 1));
        sleepers.note(BOB, &text(2, 2));
        sleepers.note(BOB, &message(3, 1, retracted(1)));
        sleepers.note(BOB, &message(4, 2, retracted(9)));
        let taken: Vec<u64> = sleepers.take().iter().map(|(_, appended)| appended.position.0).collect();
        assert_eq!(taken, [2]);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let sleepers = Sleepers::default();
        sleepers.switch_on();
        for chain in 0..=MISSED_MAX as u64 {
            sleepers.note(BOB, &text(chain, chain));
        }
        assert_eq!(sleepers.take().len(), MISSED_MAX);
    }
}
