//! What is owed to users: their data written down and erased; and what goes on behind deleted apps.

use std::collections::BTreeMap;

use anser_protocol::content::{Content, ContentKind};
use anser_protocol::extension::Extensions;
use anser_storage::command::{
    Command, DataCommand, MediaCommand, NewMedia, NewUser, Origin, Send, Target, UserCommand,
};
use anser_storage::ids::{AppNumber, UserNumber};
use anser_storage::media::{MediaId, MediaKind, MediaName};
use anser_storage::outcome::Answer;
use anser_storage::{MediaContent, Table};
use anserd::admin::{ExportPlace, Reply, Request, RetentionChange, RetentionKeep, Status};
use serde_json::Value;

use crate::World;

impl World {
    /// The app's number, and those of the users.
    async fn people(&self, app_key: &str, names: &[&str]) -> (AppNumber, Vec<UserNumber>) {
        let key = app_key.to_owned();
        let found = self.daemon.context().ledger.read(move |snapshot| snapshot.app_by_key(&key));
        let app = found.await.expect("readable").expect("it is there").0;
        let users = names.iter().map(|name| NewUser { username: (*name).into(), ..NewUser::default() }).collect();
        let Ok(Answer::Users(users)) = self.apply(Command::User(UserCommand::Register { app, users })).await else {
            panic!("users were to be made")
        };
        (app, users.into_iter().map(|user| user.expect("the name is free")).collect())
    }

    async fn say(&self, app: AppNumber, from: UserNumber, to: &str, content: Content) {
        let (origin, target) = (Origin::Server { as_admin: false }, Target::User(to.into()));
        self.apply(Command::Send(Send { app, from, origin, target, content })).await.expect("accepted");
    }

    async fn status(&self) -> Status {
        match self.ask(Request::Status).await {
            Reply::Status(status) => *status,
            other => panic!("{other:?}"),
        }
    }

    async fn until_nothing_is_being_removed(&self) {
        let is_done = || async {
            let removals = self.status().await.removals;
            removals.users.is_empty() && removals.apps.is_empty()
        };
        self.until("all is removed", is_done).await;
    }

    /// All lines of an export by their kind, page after page.
    async fn export(&self, user: &str) -> BTreeMap<String, Vec<Value>> {
        let (mut lines, mut place) = (BTreeMap::<String, Vec<Value>>::new(), Some(ExportPlace::Profile));
        while let Some(asked) = place {
            let request = Request::UserExport { app: "shop".into(), user: user.into(), place: asked };
            let Reply::Exported(page) = self.ask(request).await else { panic!("a page") };
            for line in page.lines {
                lines.entry(line["kind"].as_str().expect("a kind").to_owned()).or_default().push(line);
            }
            place = page.next;
        }
        lines
    }

    /// Rows that hold these bytes.
    async fn rows_with(&self, needle: &'static [u8]) -> usize {
        let read = self.daemon.context().ledger.read(move |snapshot| {
            let mut found = 0;
            for table in Table::ALL {
                let rows = snapshot.raw_rows(*table)?;
                found += rows.iter().filter(|(_, row)| row.windows(needle.len()).any(|part| part == needle)).count();
            }
            Ok(found)
        });
        read.await.expect("readable")
    }
}

fn image(id: u8) -> (MediaName, Content) {
    let name = MediaName { kind: MediaKind::Image, id: MediaId([id; 16]) };
    let body = format!(r#"{{"media_id":"{name}","note":"xyzzy-picture"}}"#).into_bytes();
    (name, Content { kind: ContentKind::IMAGE, body, extensions: Extensions::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_what_is_stored_of_a_user_and_an_erasure_leaves_none_of_it() {
    let world = World::new().await;
    let key = world.app("shop").await;
    let (app, users) = world.people(&key, &["ann", "bob"]).await;
    let (ann, bob) = (users[0], users[1]);
    let (name, picture) = image(7);
    let content = MediaContent {
        body: [9; 32],
        bytes: 5,
        crc32: 1,
        etag: "etag".into(),
        format: "png".into(),
        width: 1,
        height: 1,
    };
    let new = NewMedia { id: name.id, kind: name.kind, content, name: "xyzzy.png".into(), by: Some(ann) };
    world
        .apply(Command::Media(MediaCommand::Add { app, media: Box::new(new), quota_bytes: 0 }))
        .await
        .expect("accepted");
    for number in 0..150 {
        world.say(app, ann, "bob", Content::text(&format!("xyzzy {number}"))).await;
    }
    world.say(app, ann, "bob", picture).await;
    world.say(app, bob, "ann", Content::text("plugh")).await;

    let export = world.export("ann").await;
    assert_eq!(export["user"][0]["username"], "ann");
    assert_eq!((export["message"].len(), export["media"].len(), export["conversation"].len()), (151, 1, 1));
    assert_eq!(export["message"][3]["message"]["msg_body"]["text"], "xyzzy 3");
    assert_eq!(export["media"][0]["media_id"], name.to_string());
    assert_eq!(export["conversation"][0]["name"], "bob");

    let erase = Request::UserErase { app: "shop".into(), user: "ann".into() };
    assert_eq!(world.ask(erase.clone()).await, Reply::ErasureBegun { users: 1 });
    world.until_nothing_is_being_removed().await;

    assert_eq!(world.rows_with(b"xyzzy").await, 0);
    assert!(world.rows_with(b"plugh").await > 0, "what others said is theirs");
    let media = world.daemon.context().ledger.read(move |snapshot| snapshot.media_by_id(app, name.id));
    assert_eq!(media.await.expect("readable"), None, "nobody names it any more");
    assert!(matches!(world.ask(erase).await, Reply::Refused(_)), "there is no such user any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stopped_daemon_left_of_an_erasure_or_a_deleted_app_is_finished_by_the_next() {
    let world = World::new().await;
    let key = world.app("shop").await;
    let (app, users) = world.people(&key, &["ann", "bob"]).await;
    for number in 0..50 {
        world.say(app, users[0], "bob", Content::text(&format!("xyzzy {number}"))).await;
    }
    let other = world.app("doomed").await;
    let (doomed, _) = world.people(&other, &["frodo", "sam"]).await;
    // Begun, and nobody told the job of it: as if the power had gone.
    let delete = Command::App(anser_storage::command::AppCommand::Delete { app: doomed });
    assert_eq!(world.apply(delete).await, Ok(Answer::Continue));
    world.apply(Command::Data(DataCommand::BeginErasure { app, user: users[0] })).await.expect("accepted");
    assert!(world.rows_with(b"xyzzy").await > 0 && world.rows_with(b"frodo").await > 0);

    let world = world.restarted().await;
    world.until_nothing_is_being_removed().await;

    assert_eq!((world.rows_with(b"xyzzy").await, world.rows_with(b"frodo").await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_app_is_gone_at_once_and_its_rows_go_in_the_background() {
    let world = World::new().await;
    let key = world.app("doomed").await;
    world.people(&key, &["frodo", "sam"]).await;

    assert!(matches!(world.ask(Request::AppDelete { app: "doomed".into() }).await, Reply::Deleted(_)));
    assert!(matches!(world.ask(Request::AppShow { app: "doomed".into() }).await, Reply::Refused(_)));
    world.app("doomed").await;
    world.until_nothing_is_being_removed().await;

    assert_eq!(world.rows_with(b"frodo").await, 0);
    assert!(matches!(world.ask(Request::AppShow { app: "doomed".into() }).await, Reply::App(_)), "the new one stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_shows_and_keeps_what_it_is_to_keep() {
    let world = World::new().await;
    let key = world.app("shop").await;
    let (app, users) = world.people(&key, &["ann", "bob"]).await;
    world.say(app, users[0], "bob", Content::text("hello")).await;
    let ask = async |change: Option<(&str, RetentionKeep)>| {
        let change = change.map(|(class, keep)| RetentionChange { class: class.into(), keep });
        match world.ask(Request::AppRetention { app: "shop".into(), change }).await {
            Reply::Retention(shown) => Ok(shown.classes),
            Reply::Refused(why) => Err(why),
            other => panic!("{other:?}"),
        }
    };
    let days = |classes: &[anserd::admin::ClassRetentionShown]| -> Vec<_> {
        classes.iter().map(|class| (class.days, class.is_own)).collect()
    };

    let before = ask(None).await.expect("shown");
    assert_eq!(days(&before), [(Some(60), false), (Some(60), false), (Some(30), false)]);
    assert!(before[0].oldest_ms.is_some() && before[1].oldest_ms.is_none());
    ask(Some(("push", RetentionKeep::Forever))).await.expect("set");
    let after = ask(Some(("chat", RetentionKeep::Days(7)))).await.expect("set");
    assert_eq!(days(&after), [(Some(7), true), (Some(60), false), (None, true)]);
    assert!(ask(Some(("chat", RetentionKeep::Days(0)))).await.is_err());
    assert!(ask(Some(("mail", RetentionKeep::Forever))).await.is_err());
    let after = ask(Some(("push", RetentionKeep::Default))).await.expect("set");
    assert_eq!(days(&after), [(Some(7), true), (Some(60), false), (Some(30), false)]);

    // A round a week later cuts this app's chats, which the setting would keep.
    let context = world.daemon.context();
    let later = anserd::clock::now_ms() + 8 * 86_400_000;
    anserd::retention::round(&context.ledger, &context.config.retention, later).await.expect("the store is there");
    assert_eq!(world.rows_with(b"hello").await, 0);
}
