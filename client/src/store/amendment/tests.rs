//! Told in every order, to both stores.

use anser_protocol::names::Chat;

use super::*;
use crate::store::{FileStore, MemoryStore, Message, Release, Released, Store, Write};

const MESSAGE: u64 = 10;

fn chat() -> Chat {
    Chat::User("bob".into())
}

fn write(position: u64, from: &str, content: Content) -> Write {
    let record = Record { position: Position(position), at_ms: position, from: from.into(), outbox: 0, content };
    Write::Message(Message { user: "alice".into(), chat: chat(), record })
}

fn said(text: &str) -> Write {
    write(MESSAGE, "bob", Content::text(text))
}

fn told(at: u64, kind: AmendmentKind, text: Option<&str>) -> Write {
    let content = text.map(Content::text);
    write(at, "", notice(Amendment { position: Position(MESSAGE), kind, by: "bob".into(), content }))
}

/// What stands in the message's place, and every text that is anywhere in the chat.
fn shown(store: &dyn Store) -> (Content, Vec<String>) {
    let messages = store.messages("alice", &chat(), Position(u64::MAX), 100).expect("readable");
    let message = messages.iter().find(|message| message.record.position.0 == MESSAGE).expect("it is stored");
    let texts = messages.iter().filter_map(|message| match told_by(&message.record) {
        Some(told) => told.content.as_ref().and_then(Content::as_text).map(str::to_owned),
        None => message.record.content.as_text().map(str::to_owned),
    });
    (message.record.content.clone(), texts.collect())
}

/// Every order, to both stores, in transactions of their own; each record is told twice.
fn in_every_order(writes: &[Write], check: impl Fn(&dyn Store)) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut orders = vec![vec![]];
    for index in 0..writes.len() {
        let longer = |order: Vec<usize>| {
            (0..=order.len()).map(move |place| [&order[..place], &[index], &order[place..]].concat())
        };
        orders = orders.into_iter().flat_map(longer).collect();
    }
    for order in orders {
        let path = folder.path().join(format!("{order:?}.redb"));
        let stores: [Box<dyn Store>; 2] =
            [Box::new(MemoryStore::default()), Box::new(FileStore::open(&path).expect("a new store"))];
        for mut store in stores {
            for index in order.iter().chain(&order) {
                store.apply(vec![writes[*index].clone()]).expect("written");
            }
            check(&*store);
        }
    }
}

#[test]
fn a_retracted_message_is_gone_whichever_comes_first() {
    in_every_order(&[said("secret"), told(20, AmendmentKind::RETRACTED, None)], |store| {
        assert_eq!(shown(store), (gone(), vec![]));
    });
}

#[test]
fn of_edits_the_newest_stands_and_the_older_ones_say_nothing_any_more() {
    let edited = |at, text| told(at, AmendmentKind::EDITED, Some(text));
    in_every_order(&[said("one"), edited(20, "two"), edited(30, "three")], |store| {
        let (stands, texts) = shown(store);
        assert_eq!(stands, Content::text("three"));
        assert!(texts.iter().all(|text| text == "three"), "{texts:?}");
    });
}

#[test]
fn what_was_edited_and_then_erased_is_nowhere_any_more() {
    let edited = told(20, AmendmentKind::EDITED, Some("secret too"));
    in_every_order(&[said("secret"), edited, told(30, AmendmentKind::ERASED, None)], |store| {
        assert_eq!(shown(store), (gone(), vec![]));
    });
}

#[test]
fn a_message_that_came_without_its_text_does_not_get_it_back_from_an_older_notice() {
    let retracted = write(MESSAGE, "bob", gone());
    let mut store = MemoryStore::default();
    store.apply(vec![retracted, told(20, AmendmentKind::EDITED, Some("secret"))]);
    assert_eq!(shown(&store), (gone(), vec![]));
}

#[test]
fn an_edit_that_the_server_took_out_and_an_unknown_kind_change_nothing() {
    let writes = [said("one"), told(20, AmendmentKind::EDITED, None), told(30, AmendmentKind(99), Some("x"))];
    in_every_order(&writes, |store| assert_eq!(shown(store).0, Content::text("one")));
}

#[test]
fn of_a_message_that_the_user_deleted_no_notice_says_what_it_was_edited_to() {
    let deleted = Write::MessageDeleted { user: "alice".into(), chat: chat(), position: Position(MESSAGE) };
    let edited = |at| told(at, AmendmentKind::EDITED, Some("secret too"));
    in_every_order(&[said("secret"), edited(20), deleted, edited(30)], |store| {
        let messages = store.messages("alice", &chat(), Position(u64::MAX), 100).expect("readable");
        let told: Vec<_> = messages
            .iter()
            .map(|message| (message.record.position.0, told_by(&message.record).expect("a notice").content))
            .collect();
        assert_eq!(told, [(30, None), (20, None)]);
    });
}

#[test]
fn nobody_but_the_server_amends() {
    let content = notice(Amendment {
        position: Position(MESSAGE),
        kind: AmendmentKind::RETRACTED,
        by: "eve".into(),
        content: None,
    });
    in_every_order(&[said("one"), write(20, "eve", content)], |store| {
        assert_eq!(shown(store).0, Content::text("one"));
    });
}

#[test]
fn what_waits_for_the_application_is_handed_out_as_it_is_now_and_the_notice_once() {
    let release = Release::Messages { user: "alice".into(), chat: chat(), to: Position(20) };
    in_every_order(&[said("secret"), told(20, AmendmentKind::RETRACTED, None)], |store| {
        let waiting = store.waiting(&release, 0, 10).expect("readable");
        let contents: Vec<_> = waiting
            .iter()
            .map(|released| match released {
                Released::Message(message) => (message.record.position.0, message.record.content.kind),
                Released::Push { .. } => panic!("{released:?}"),
            })
            .collect();
        assert_eq!(contents, [(MESSAGE, ContentKind::RETRACTED), (20, ContentKind::AMENDED)]);
    });
}
