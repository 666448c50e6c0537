//! Messages that are taken back or edited, as devices hear of it.

use anser_protocol::content::{Amendment, AmendmentKind, Content, ContentKind};
use anser_protocol::extension::Extensions;
use anser_protocol::frame::chat::{Record, Send};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::Position;
use anser_protocol::names::Chat;
use anser_storage::command::{Actor, Amend, Amended, Command};
use anser_storage::outcome::Answer;

use crate::peer::{END, Peer};
use crate::world::{App, World};

/// Alice, who is online and has written to Bob.
struct Scene {
    world: World,
    app: App,
    alice: Peer,
    message: Position,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let app = world.app("one").await;
        world.users(&app, &["alice", "bob0"]).await;
        let mut alice = Peer::connect(&world).await;
        alice.register(&app.key).await;
        alice.log_in("alice", "secret").await;
        let (outbox, chat) = (1, Chat::User("bob0".into()));
        alice.say(&ClientFrame::Send(Send { outbox, chat, content: Content::text("secret words") })).await;
        let Some(ServerFrame::Sent(sent)) = alice.hear_answer().await else { panic!("not sent") };
        Self { world, app, alice, message: sent.position }
    }

    async fn bob(&self) -> Peer {
        let mut bob = Peer::connect(&self.world).await;
        bob.register(&self.app.key).await;
        bob.log_in("bob0", "secret").await;
        bob
    }

    async fn amend(&self, what: Amended) -> Position {
        let (app, by, message) = (self.app.number, Actor::Server, self.message);
        match self
            .world
            .submit(Command::Amend(Amend { app, by, through_server: false, message, what, within_ms: None }))
            .await
        {
            Answer::Amended { told_at, is_repeat: false } => told_at,
            other => panic!("{other:?}"),
        }
    }
}

async fn delivered(peer: &mut Peer) -> Record {
    loop {
        match peer.hear().await {
            Some(ServerFrame::Deliver(deliver)) => return deliver.record,
            Some(_) => {}
            None => panic!("the link ended"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_connected_hears_at_once_what_became_of_a_message() {
    let mut scene = Scene::new().await;
    let mut bob = scene.bob().await;

    let edited_at = scene.amend(Amended::Edited(Content::text("other words"))).await;
    let retracted_at = scene.amend(Amended::Retracted).await;

    // The sender as well, whose device has the message, too.
    for peer in [&mut scene.alice, &mut bob] {
        let edit = delivered(peer).await;
        assert_eq!((edit.position, edit.content.kind, &*edit.from), (edited_at, ContentKind::AMENDED, ""));
        let told = Amendment::from_bytes(&edit.content.body).expect("an amendment");
        assert_eq!((told.position, told.kind), (scene.message, AmendmentKind::EDITED));
        assert_eq!(told.content, Some(Content::text("other words")));

        let retraction = delivered(peer).await;
        assert_eq!(retraction.position, retracted_at);
        let told = Amendment::from_bytes(&retraction.content.body).expect("an amendment");
        assert_eq!((told.position, told.kind, told.content), (scene.message, AmendmentKind::RETRACTED, None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_away_catches_up_with_what_stands_there_now() {
    let scene = Scene::new().await;
    scene.amend(Amended::Edited(Content::text("other words"))).await;
    scene.amend(Amended::Retracted).await;

    let mut bob = scene.bob().await;

    assert!(!bob.has_heard("secret words") && !bob.has_heard("other words"), "by the catch-up");
    let records = bob.history(Chat::User("alice".into()), END).await.records;
    let kinds: Vec<ContentKind> = records.iter().map(|record| record.content.kind).collect();
    assert_eq!(kinds, [ContentKind::AMENDED, ContentKind::AMENDED, ContentKind::RETRACTED]);
    assert!(!bob.has_heard("secret words") && !bob.has_heard("other words"), "by the history");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_was_started_again_shows_what_stands_there_now() {
    let scene = Scene::new().await;
    scene.amend(Amended::Edited(Content::text("other words"))).await;
    let Scene { world, app, message, alice } = scene;
    drop(alice);
    let world = world.restarted().await;
    let scene = Scene { alice: Peer::connect(&world).await, world, app, message };

    let mut bob = scene.bob().await;

    let records = bob.history(Chat::User("alice".into()), END).await.records;
    assert_eq!(records.last().and_then(|record| record.content.as_text()), Some("other words"));
    assert!(records.iter().all(|record| record.content.extensions == Extensions::default()));
    assert!(!bob.has_heard("secret words"));
}
