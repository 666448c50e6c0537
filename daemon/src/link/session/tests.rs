//! What a session promises, told as dialogues with a scripted peer and a scripted store.

mod bounds;
mod device;
mod ended;
mod history;
mod pushes;
mod takeover;
mod traits;

use std::sync::Arc;

use anser_protocol::content::{Content, CustomMessage, Platform, PushContent};
use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::chat::{Ack, Conversation, Covered, Deliver, Record, Send};
use anser_protocol::frame::session::{CredentialKind, Hello, Login, Logout};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::framing::{self, Split};
use anser_protocol::ids::Position;
use anser_protocol::limits::{CLIENT_FRAME_BYTES_MAX, FRAME_BYTES_MAX};
use anser_protocol::names::Chat;
use anser_protocol::traits::{TraitKind, Traits};
use anser_protocol::{Decoder, Encoder};
use anser_storage::command::{Command, MarkCommand, UserCommand};
use anser_storage::ids::{AppNumber, ChainNumber, DeviceNumber, UserNumber};
use anser_storage::outcome::{Answer as Accepted, Appended, Message, MessageBody, Outcome, Push, Refusal, Route};
use anser_storage::{ConversationKind, ReceiptPage};

use super::*;
use crate::link::query::{Greeted, KnownDevice, KnownToken, LoginUser, PlannedChat, Query};

const START: TimeMs = 1_000_000;
const APP: AppNumber = AppNumber(3);
const DEVICE: DeviceNumber = DeviceNumber(8);
const ALICE: UserNumber = UserNumber(1);
const BOB: UserNumber = UserNumber(2);
const SECRET: [u8; 16] = [7; 16];
const TOKEN: [u8; 32] = [9; 32];

/// Both ends of a link: the session, and a peer that reads and writes its frames.
struct Dialogue {
    session: Session,
    encoder: Encoder,
    decoder: Decoder,
}

impl Dialogue {
    fn new() -> Self {
        let session = Session::new(Arc::new(Rules::default()), START);
        Self { session, encoder: Encoder::default(), decoder: Decoder::default() }
    }

    /// A device that was welcomed and has no pushes waiting.
    fn greeted() -> Self {
        let mut dialogue = Self::new();
        dialogue.say(&hello("1f00"));
        let (ticket, _) = dialogue.question();
        dialogue.answer(ticket, Answer::Greet(Some(Greeted { app: APP, device: Some(known_device()) })));
        assert!(matches!(dialogue.hear()[..], [ServerFrame::Welcome(_)]));
        assert!(matches!(dialogue.session.next_action(), Some(Action::AttachDevice { app: APP, device: DEVICE })));
        let (ticket, query) = dialogue.question();
        assert!(matches!(query, Query::Pushes { app: APP, device: DEVICE, since: Position(40), .. }));
        dialogue.answer(ticket, Answer::Pushes { to: Position(40), pushes: Vec::new() });
        dialogue
    }

    /// Alice, logged in by token, who stands at the end of the log, position 100.
    fn live() -> Self {
        let mut dialogue = Self::greeted();
        dialogue.log_in_by_token(Some(Position(100)));
        let (ticket, query) = dialogue.question();
        assert!(matches!(query, Query::PlanCatchUp { user: ALICE, since: Position(100), .. }));
        dialogue.answer(ticket, planned(100, 0));
        let [ServerFrame::CatchUp(part)] = &dialogue.hear()[..] else { panic!("one part, though empty") };
        assert!(part.is_last && part.conversations.is_empty());
        assert!(dialogue.session.wants_deliveries());
        dialogue
    }

    fn log_in_by_token(&mut self, cursor: Option<Position>) {
        self.say(&login(CredentialKind::TOKEN, &TOKEN, cursor));
        let (ticket, query) = self.question();
        assert!(matches!(query, Query::LogIn { app: APP, token_hash: Some(_), .. }));
        let token = KnownToken { user: ALICE, device: DEVICE, expires_ms: START + Rules::default().token_ms };
        let user = LoginUser { number: ALICE, password: "hash".into(), token: Some(token) };
        self.answer(ticket, Answer::LogIn(Some(user)));
        assert!(matches!(self.hear()[..], [ServerFrame::LoggedIn(_)]));
        assert!(matches!(self.session.next_action(), Some(Action::AttachUser { app: APP, user: ALICE })));
    }

    fn say(&mut self, frame: &ClientFrame) {
        let mut bytes = Vec::new();
        framing::append(&mut bytes, |out| self.encoder.client(frame, out)).expect("a short frame");
        self.session.handle_bytes(&bytes, START);
    }

    /// Everything that the session has written.
    fn hear(&mut self) -> Vec<ServerFrame> {
        let mut heard = Vec::new();
        while let Ok(Split::Frame(frame, taken)) = framing::split(self.session.output(), FRAME_BYTES_MAX) {
            heard.push(self.decoder.server(frame).expect("well formed"));
            self.session.output_written(taken);
        }
        heard
    }

    fn question(&mut self) -> (Ticket, Query) {
        match self.session.next_action() {
            Some(Action::Ask(ticket, query)) => (ticket, query),
            other => panic!("a question was expected, not {other:?}"),
        }
    }

    fn command(&mut self) -> (Ticket, Command) {
        match self.session.next_action() {
            Some(Action::Submit(ticket, command)) => (ticket, command),
            other => panic!("a command was expected, not {other:?}"),
        }
    }

    fn answer(&mut self, ticket: Ticket, answer: Answer) {
        self.session.handle_input(Input::Answer(ticket, Ok(answer)), START);
    }

    fn outcome(&mut self, ticket: Ticket, answer: Result<Accepted, Refusal>) {
        let outcome = Outcome { answer, appended: Vec::new() };
        self.session.handle_input(Input::Outcome(ticket, Ok(outcome)), START);
    }

    fn deliver(&mut self, appended: &Appended) {
        self.session.handle_delivery(Recipient::User(ALICE), appended);
    }
}

fn hello(registration_id: &str) -> ClientFrame {
    ClientFrame::Hello(Hello {
        version_min: 1,
        version_max: 1,
        capabilities: 0,
        app_key: "0123456789abcdef01234567".into(),
        registration_id: registration_id.into(),
        secret: SECRET,
        nonce: if registration_id.is_empty() { vec![5; 16] } else { Vec::new() },
        platform: Platform::ANDROID,
        push_cursor: Some(Position(40)),
        extensions: Extensions::default(),
    })
}

fn known_device() -> KnownDevice {
    KnownDevice {
        number: DEVICE,
        secret_hash: crate::keys::token_hash(&SECRET),
        platform: Platform::ANDROID,
        outbox_head: 12,
        push_cursor: None,
        traits: Traits::default(),
        is_dormant: false,
        has_stopped_pushes: false,
    }
}

fn login(credential_kind: CredentialKind, credential: &[u8], cursor: Option<Position>) -> ClientFrame {
    ClientFrame::Login(Login {
        request: 1,
        username: "alice".into(),
        credential_kind,
        credential: credential.into(),
        cursor,
        extensions: Extensions::default(),
    })
}

fn send(outbox: u64, to: &str) -> ClientFrame {
    ClientFrame::Send(Send { outbox, chat: Chat::User(to.into()), content: Content::text("hi") })
}

/// A message between Alice and Bob.
fn single(position: u64, from: UserNumber, sent_by: Option<(DeviceNumber, u64)>) -> Appended {
    let (to, from_name, to_name) = if from == ALICE { (BOB, "alice", "bob") } else { (ALICE, "bob", "alice") };
    let message = Message { seq: position, body: MessageBody::Content(Content::text("hi")), sent_by };
    Appended {
        app: APP,
        position: Position(position),
        at_ms: START,
        route: Route::Single {
            chain: ChainNumber(1),
            from,
            from_name: from_name.into(),
            to,
            to_name: to_name.into(),
            message: Arc::new(message),
        },
    }
}

fn delivered(after: u64, position: u64, from: &str) -> ServerFrame {
    ServerFrame::Deliver(Deliver {
        after: Position(after),
        chat: Chat::User("bob".into()),
        record: Record {
            position: Position(position),
            at_ms: START,
            from: from.into(),
            outbox: 0,
            content: Content::text("hi"),
        },
    })
}

fn codes(frames: &[ServerFrame]) -> Vec<(u32, ErrorCode)> {
    let code = |frame: &ServerFrame| match frame {
        ServerFrame::Failed(failed) => (failed.request, failed.code),
        ServerFrame::SendRefused(refused) => (u32::try_from(refused.outbox).expect("small"), refused.code),
        ServerFrame::GoAway(go_away) => (0, go_away.code),
        other => panic!("a failure was expected, not {other:?}"),
    };
    frames.iter().map(code).collect()
}

#[test]
fn whatever_comes_before_a_hello_ends_the_link_with_a_reason() {
    let mut dialogue = Dialogue::new();
    dialogue.say(&ClientFrame::Ping);
    assert_eq!(codes(&dialogue.hear()), [(0, ErrorCode::HELLO_FIRST)]);
    assert!(dialogue.session.is_ended());
}

#[test]
fn bytes_that_are_no_frame_end_the_link_with_a_reason() {
    for (bytes, code) in [(vec![2, 5, 0xff], ErrorCode::MALFORMED), (vec![0xff, 0xff, 0x7f], ErrorCode::TOO_LONG)] {
        let mut dialogue = Dialogue::new();
        dialogue.session.handle_bytes(&bytes, START);
        assert_eq!(codes(&dialogue.hear()), [(0, code)]);
        assert!(dialogue.session.is_ended());
    }
}

#[test]
fn an_unknown_app_key_and_a_wrong_device_secret_are_told_apart() {
    for (answer, code) in [
        (None, ErrorCode::APP_KEY),
        (Some(Greeted { app: APP, device: None }), ErrorCode::REGISTRATION),
        (
            Some(Greeted { app: APP, device: Some(KnownDevice { secret_hash: [0; 32], ..known_device() }) }),
            ErrorCode::REGISTRATION,
        ),
    ] {
        let mut dialogue = Dialogue::new();
        dialogue.say(&hello("1f00"));
        let (ticket, _) = dialogue.question();
        dialogue.answer(ticket, Answer::Greet(answer));
        assert_eq!(codes(&dialogue.hear()), [(0, code)]);
        assert!(dialogue.session.is_ended());
    }
}

#[test]
fn a_device_that_asks_twice_with_the_same_nonce_is_the_same_device() {
    let ids = [(); 2].map(|()| {
        let mut dialogue = Dialogue::new();
        dialogue.say(&hello(""));
        let (ticket, _) = dialogue.question();
        dialogue.answer(ticket, Answer::Greet(Some(Greeted { app: APP, device: None })));
        let (ticket, command) = dialogue.command();
        assert!(matches!(command, Command::Device(_)));
        dialogue.outcome(ticket, Ok(Accepted::Device { device: DEVICE, is_new: true }));
        let [ServerFrame::Welcome(welcome)] = &dialogue.hear()[..] else { panic!("no welcome") };
        welcome.registration_id.clone()
    });
    assert_eq!(ids[0], ids[1]);
    assert!(ids[0].len() == 19 && ids[0].bytes().all(|digit| digit.is_ascii_hexdigit()), "{}", ids[0]);
}

#[test]
fn frames_behind_a_hello_wait_for_its_answer() {
    let mut dialogue = Dialogue::new();
    dialogue.say(&hello("1f00"));
    let (ticket, _) = dialogue.question();
    dialogue.say(&login(CredentialKind::TOKEN, &TOKEN, None));
    assert!(dialogue.session.next_action().is_none());

    dialogue.answer(ticket, Answer::Greet(Some(Greeted { app: APP, device: Some(known_device()) })));
    let actions: Vec<_> = std::iter::from_fn(|| dialogue.session.next_action()).collect();
    assert!(matches!(
        &actions[..],
        [Action::AttachDevice { .. }, Action::Ask(_, Query::Pushes { .. }), Action::Ask(_, Query::LogIn { .. })]
    ));
}

#[test]
fn a_password_login_checks_outside_and_keeps_a_token_before_it_answers() {
    let mut dialogue = Dialogue::greeted();
    dialogue.say(&login(CredentialKind::PASSWORD, b"secret", None));
    let (ticket, _) = dialogue.question();
    let user = LoginUser { number: ALICE, password: "stored".into(), token: None };
    dialogue.answer(ticket, Answer::LogIn(Some(user)));
    let Some(Action::CheckPassword { ticket, given, stored, user: ALICE, app: APP }) = dialogue.session.next_action()
    else {
        panic!("the password is to be checked")
    };
    assert_eq!((given.0.as_str(), stored.as_str()), ("secret", "stored"));
    let checked = Input::PasswordChecked { ticket, found: Ok(TOKEN) };
    dialogue.session.handle_input(checked, START);
    let (ticket, command) = dialogue.command();
    let Command::User(UserCommand::LogIn { token_hash, .. }) = command else { panic!("{command:?}") };
    assert_ne!(token_hash, TOKEN, "only a hash of the token is stored");
    assert!(dialogue.hear().is_empty());
    dialogue.outcome(ticket, Ok(Accepted::LoggedIn { ended: vec![] }));
    let [ServerFrame::LoggedIn(logged_in)] = &dialogue.hear()[..] else { panic!("not logged in") };
    assert_eq!(logged_in.token, TOKEN);
}

#[test]
fn a_password_that_changed_while_it_was_checked_is_checked_once_more() {
    let mut dialogue = Dialogue::greeted();
    dialogue.say(&login(CredentialKind::PASSWORD, b"secret", None));
    for hash in ["quick", "slow"] {
        let (ticket, _) = dialogue.question();
        let user = LoginUser { number: ALICE, password: hash.into(), token: None };
        dialogue.answer(ticket, Answer::LogIn(Some(user)));
        let Some(Action::CheckPassword { ticket, stored, .. }) = dialogue.session.next_action() else {
            panic!("the password is to be checked")
        };
        assert_eq!(stored, hash);
        let checked = Input::PasswordChecked { ticket, found: Ok(TOKEN) };
        dialogue.session.handle_input(checked, START);
        let (ticket, _) = dialogue.command();
        dialogue.outcome(ticket, Err(Refusal::PasswordChanged));
    }
    assert_eq!(codes(&dialogue.hear()), [(1, ErrorCode::PASSWORD_WRONG)], "not for ever");
}

#[test]
fn a_wrong_password_an_unknown_user_and_an_expired_token_are_told_apart_and_leave_the_link() {
    let mut dialogue = Dialogue::greeted();
    dialogue.say(&login(CredentialKind::PASSWORD, b"wrong", None));
    let (ticket, _) = dialogue.question();
    let user = LoginUser { number: ALICE, password: "stored".into(), token: None };
    dialogue.answer(ticket, Answer::LogIn(Some(user.clone())));
    let Some(Action::CheckPassword { ticket, .. }) = dialogue.session.next_action() else { panic!("no check") };
    let checked = Input::PasswordChecked { ticket, found: Err(ErrorCode::PASSWORD_WRONG) };
    dialogue.session.handle_input(checked, START);
    assert_eq!(codes(&dialogue.hear()), [(1, ErrorCode::PASSWORD_WRONG)]);

    dialogue.say(&login(CredentialKind::PASSWORD, b"any", None));
    let (ticket, _) = dialogue.question();
    dialogue.answer(ticket, Answer::LogIn(None));
    assert_eq!(codes(&dialogue.hear()), [(1, ErrorCode::USER_UNKNOWN)]);

    dialogue.say(&login(CredentialKind::TOKEN, &TOKEN, None));
    let (ticket, _) = dialogue.question();
    let expired = KnownToken { user: ALICE, device: DEVICE, expires_ms: START };
    dialogue.answer(ticket, Answer::LogIn(Some(LoginUser { token: Some(expired), ..user })));
    assert_eq!(codes(&dialogue.hear()), [(1, ErrorCode::TOKEN_INVALID)]);
    assert!(!dialogue.session.is_ended());
}

#[test]
fn a_token_that_is_used_before_it_expires_is_prolonged() {
    let mut dialogue = Dialogue::greeted();
    dialogue.say(&login(CredentialKind::TOKEN, &TOKEN, None));
    let (ticket, _) = dialogue.question();
    let token = KnownToken { user: ALICE, device: DEVICE, expires_ms: START + 1 };
    dialogue
        .answer(ticket, Answer::LogIn(Some(LoginUser { number: ALICE, password: "hash".into(), token: Some(token) })));
    let (_, command) = dialogue.command();
    let Command::User(UserCommand::LogIn { expires_ms, .. }) = command else { panic!("{command:?}") };
    assert_eq!(expires_ms, START + Rules::default().token_ms);
    assert!(matches!(dialogue.hear()[..], [ServerFrame::LoggedIn(_)]));
}

#[test]
fn a_token_of_another_device_does_not_log_in() {
    let mut dialogue = Dialogue::greeted();
    dialogue.say(&login(CredentialKind::TOKEN, &TOKEN, None));
    let (ticket, _) = dialogue.question();
    let token = KnownToken { user: ALICE, device: DeviceNumber(99), expires_ms: START + 1 };
    dialogue
        .answer(ticket, Answer::LogIn(Some(LoginUser { number: ALICE, password: String::new(), token: Some(token) })));
    assert_eq!(codes(&dialogue.hear()), [(1, ErrorCode::TOKEN_INVALID)]);
}

#[test]
fn sends_are_submitted_at_once_and_answered_by_their_outbox_numbers() {
    let mut dialogue = Dialogue::live();
    dialogue.say(&send(13, "bob"));
    dialogue.say(&send(14, "bob"));
    let (first, _) = dialogue.command();
    let (second, _) = dialogue.command();
    dialogue.outcome(first, Ok(Accepted::Sent { position: Position(200), at_ms: START, is_repeat: false }));
    dialogue.outcome(second, Err(Refusal::UserUnknown { username: "bob".into() }));
    let heard = dialogue.hear();
    assert!(matches!(&heard[0], ServerFrame::Sent(sent) if sent.outbox == 13 && sent.position == Position(200)));
    assert_eq!(codes(&heard[1..]), [(14, ErrorCode::SEND_TARGET_UNKNOWN)]);
}

#[test]
fn after_a_passing_refusal_later_sends_to_that_chat_wait_until_it_is_repeated() {
    let mut dialogue = Dialogue::live();
    dialogue.say(&send(13, "bob"));
    let (ticket, _) = dialogue.command();
    dialogue.session.handle_input(Input::Outcome(ticket, Err(ErrorCode::BUSY)), START);
    dialogue.say(&send(14, "bob"));
    assert_eq!(codes(&dialogue.hear()), [(13, ErrorCode::BUSY), (14, ErrorCode::SEND_OUT_OF_ORDER)]);

    dialogue.say(&send(15, "carol"));
    dialogue.say(&send(13, "bob"));
    dialogue.say(&send(14, "bob"));
    let submitted: Vec<_> = std::iter::from_fn(|| dialogue.session.next_action()).collect();
    assert_eq!(submitted.len(), 3, "another chat is not held up, and the repeat opens this one: {submitted:?}");
}

#[test]
fn a_passing_refusal_also_holds_back_sends_to_that_chat_that_are_not_submitted_yet() {
    let mut dialogue = Dialogue::live();
    for (outbox, to) in [(1, "bob"), (2, "carol"), (3, "bob")] {
        dialogue.say(&send(outbox, to));
    }
    let (to_bob, _) = dialogue.command();
    dialogue.session.handle_input(Input::Outcome(to_bob, Err(ErrorCode::BUSY)), START);

    let heard = dialogue.hear();
    let refused: Vec<_> = heard
        .iter()
        .map(|frame| match frame {
            ServerFrame::SendRefused(refused) => (refused.outbox, refused.code),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(refused, [(1, ErrorCode::BUSY), (3, ErrorCode::SEND_OUT_OF_ORDER)]);
    assert!(matches!(dialogue.command(), (_, Command::Send(to_carol)) if to_carol.origin
        == anser_storage::command::Origin::Device { device: DEVICE, outbox: 2 }));
    assert!(dialogue.session.next_action().is_none());
}

#[test]
fn a_send_at_which_the_store_failed_is_refused_for_good_and_holds_nothing_back() {
    let mut dialogue = Dialogue::live();
    dialogue.say(&send(13, "bob"));
    dialogue.say(&send(14, "bob"));
    let ((failed, _), (next, _)) = (dialogue.command(), dialogue.command());
    // By now the later one is carried out: a repeat of the first would come after it.
    dialogue.outcome(failed, Err(Refusal::Internal));
    dialogue.outcome(next, Ok(Accepted::Sent { position: Position(200), at_ms: 1, is_repeat: false }));

    let heard = dialogue.hear();
    let [ServerFrame::SendRefused(refused), ServerFrame::Sent(sent)] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((refused.outbox, refused.code, sent.outbox), (13, ErrorCode::SEND_FAILED, 14));
    assert!(!refused.code.is_passing());
    dialogue.say(&send(15, "bob"));
    assert!(matches!(dialogue.command(), (_, Command::Send(_))), "the chat goes on");
}

#[test]
fn a_passing_refusal_of_what_an_earlier_user_sent_holds_nothing_back() {
    let mut dialogue = Dialogue::live();
    dialogue.say(&send(13, "bob"));
    let (alices, _) = dialogue.command();
    dialogue.say(&login(CredentialKind::TOKEN, &TOKEN, None));
    while dialogue.session.next_action().is_some_and(|action| !matches!(action, Action::Ask(..))) {}
    let token = KnownToken { user: BOB, device: DEVICE, expires_ms: START + Rules::default().token_ms };
    let user = LoginUser { number: BOB, password: "hash".into(), token: Some(token) };
    dialogue.answer(dialogue.session.last_ticket, Answer::LogIn(Some(user)));
    dialogue.session.handle_input(Input::Outcome(alices, Err(ErrorCode::BUSY)), START);
    while dialogue.session.next_action().is_some() {}

    dialogue.say(&send(14, "bob"));
    assert!(matches!(dialogue.command(), (_, Command::Send(_))));
}

#[test]
fn nobody_sends_before_a_login_or_what_only_a_server_may_send() {
    let mut dialogue = Dialogue::greeted();
    dialogue.say(&send(13, "bob"));
    assert_eq!(codes(&dialogue.hear()), [(13, ErrorCode::NOT_LOGGED_IN)]);

    let mut dialogue = Dialogue::live();
    for (outbox, kind, body, code) in [
        (13, 32, b"{}".to_vec(), ErrorCode::SEND_NOT_ALLOWED),
        (14, 1, vec![b'x'; 4097], ErrorCode::SEND_TOO_LONG),
        (15, 1, vec![0xff], ErrorCode::SEND_MALFORMED),
        (16, 7, b"no object".to_vec(), ErrorCode::SEND_MALFORMED),
    ] {
        let kind = anser_protocol::content::ContentKind(kind);
        let content = Content { kind, body, extensions: Extensions::default() };
        dialogue.say(&ClientFrame::Send(Send { outbox, chat: Chat::User("bob".into()), content }));
        assert_eq!(codes(&dialogue.hear()), [(u32::try_from(outbox).expect("small"), code)]);
    }
}

#[test]
fn each_delivery_names_the_one_before_it_and_what_the_snapshot_held_is_skipped() {
    let mut dialogue = Dialogue::live();
    dialogue.deliver(&single(100, BOB, None));
    dialogue.deliver(&single(110, BOB, None));
    dialogue.deliver(&single(125, ALICE, Some((DeviceNumber(1), 4))));
    assert_eq!(dialogue.hear(), [delivered(100, 110, "bob"), delivered(110, 125, "alice")]);
}

#[test]
fn own_sends_are_not_delivered_back_but_covered_with_the_next_heartbeat() {
    let mut dialogue = Dialogue::live();
    dialogue.deliver(&single(110, ALICE, Some((DEVICE, 13))));
    assert!(dialogue.hear().is_empty());
    dialogue.say(&ClientFrame::Ping);
    let covered = Covered { after: Position(100), to: Position(110) };
    assert_eq!(dialogue.hear(), [ServerFrame::Covered(covered), ServerFrame::Pong]);
    dialogue.deliver(&single(120, BOB, None));
    assert_eq!(dialogue.hear(), [delivered(110, 120, "bob")]);
}

#[test]
fn what_another_user_of_the_device_sent_before_is_delivered() {
    let mut dialogue = Dialogue::live();
    dialogue.deliver(&single(110, BOB, Some((DEVICE, 13))));
    assert_eq!(dialogue.hear().len(), 1);
}

#[test]
fn a_session_that_missed_records_reads_the_log_from_where_it_stood() {
    let mut dialogue = Dialogue::live();
    dialogue.deliver(&single(110, BOB, None));
    dialogue.hear();
    dialogue.session.handle_input(Input::Missed(Missed { chats: true, pushes: false, rooms: false }), START);
    assert!(!dialogue.session.wants_deliveries());
    let (_, query) = dialogue.question();
    assert!(matches!(query, Query::PlanCatchUp { since: Position(110), .. }));
}

#[test]
fn what_is_missed_during_a_catch_up_is_caught_up_with_afterwards() {
    let mut dialogue = Dialogue::greeted();
    dialogue.log_in_by_token(Some(Position(100)));
    let (ticket, _) = dialogue.question();
    dialogue.session.handle_input(Input::Missed(Missed { chats: true, pushes: false, rooms: false }), START);
    dialogue.answer(ticket, planned(100, 0));
    assert!(!dialogue.session.wants_deliveries(), "the snapshot may be older than what was missed");
    let (_, query) = dialogue.question();
    assert!(matches!(query, Query::PlanCatchUp { since: Position(100), .. }));
}

#[test]
fn a_catch_up_ends_with_one_last_part_and_live_records_go_on_from_there() {
    let mut dialogue = Dialogue::greeted();
    dialogue.log_in_by_token(None);
    let (ticket, _) = dialogue.question();
    dialogue.session.handle_input(Input::Answer(ticket, Ok(planned(500, 60))), START);
    let mut last_parts = 0;
    let mut rows = 0;
    while let Some(Action::Ask(ticket, Query::CatchUp { chats, since, to, .. })) = dialogue.session.next_action() {
        assert_eq!((since, to), (Position::START, Position(500)));
        // The store gives as much as fills a page.
        let read = chats.len().min(20);
        let rows_read: Vec<_> = (0..read).map(|_| conversation()).collect();
        dialogue.answer(ticket, Answer::CatchUp { rows: rows_read, read });
        for frame in dialogue.hear() {
            let ServerFrame::CatchUp(part) = frame else { panic!("{frame:?}") };
            assert_eq!(last_parts, 0, "nothing comes behind the last part");
            rows += part.conversations.len();
            last_parts += usize::from(part.is_last);
        }
    }
    assert_eq!((rows, last_parts), (60, 1));
    dialogue.deliver(&single(510, BOB, None));
    assert_eq!(dialogue.hear(), [delivered(500, 510, "bob")]);
}

#[test]
fn a_client_ahead_of_a_restored_store_is_not_moved_back() {
    let mut dialogue = Dialogue::greeted();
    dialogue.log_in_by_token(Some(Position(900)));
    let (ticket, _) = dialogue.question();
    dialogue.answer(ticket, planned(500, 0));
    let [ServerFrame::CatchUp(part)] = &dialogue.hear()[..] else { panic!("no catch-up") };
    assert_eq!((part.after, part.to), (Position(900), Position(900)));
}

#[test]
fn a_logged_out_user_gets_nothing_more_and_the_device_keeps_its_pushes() {
    let mut dialogue = Dialogue::live();
    dialogue.say(&ClientFrame::Logout(Logout { request: 5, extensions: Extensions::default() }));
    let actions: Vec<_> = std::iter::from_fn(|| dialogue.session.next_action()).collect();
    let [Action::DetachUser { .. }, Action::Submit(ticket, Command::User(UserCommand::LogOut { .. }))] = &actions[..]
    else {
        panic!("nothing was told, so no cursor is written down: {actions:?}")
    };
    dialogue.outcome(*ticket, Ok(Accepted::Done));
    assert!(matches!(&dialogue.hear()[..], [ServerFrame::Done(done)] if done.request == 5));

    dialogue.deliver(&single(110, BOB, None));
    assert!(dialogue.hear().is_empty());
    dialogue.session.handle_delivery(Recipient::Device, &push(120, START + 1000));
    assert!(matches!(&dialogue.hear()[..], [ServerFrame::PushDeliver(push)] if push.after == Position(40)));
}

#[test]
fn a_cursor_is_written_down_at_the_end_when_something_was_told_and_stored() {
    let mut dialogue = Dialogue::live();
    dialogue.deliver(&single(110, BOB, None));
    dialogue.hear();
    dialogue.say(&ClientFrame::Ack(Ack { position: Position(110) }));
    dialogue.session.handle_closed();
    let marks: Vec<_> = std::iter::from_fn(|| dialogue.session.next_action()).collect();
    let [Action::Mark(MarkCommand::ChatCursor { user: ALICE, device: DEVICE, position, .. })] = marks[..] else {
        panic!("{marks:?}")
    };
    assert_eq!(position, Position(110));
}

#[test]
fn a_silent_link_ends_after_two_and_a_half_of_the_longest_heartbeats() {
    let mut dialogue = Dialogue::live();
    dialogue.session.handle_time(START + 749_999);
    assert!(!dialogue.session.is_ended());
    dialogue.session.handle_time(START + 750_000);
    assert_eq!(codes(&dialogue.hear()), [(0, ErrorCode::TIMED_OUT)]);
}

#[test]
fn a_link_without_a_hello_ends_after_ten_seconds() {
    let mut dialogue = Dialogue::new();
    dialogue.session.handle_time(START + 10_000);
    assert_eq!(codes(&dialogue.hear()), [(0, ErrorCode::TIMED_OUT)]);
}

#[test]
fn a_replaced_link_and_a_stopping_daemon_say_so() {
    for (input, code) in
        [(Input::Replaced, ErrorCode::REPLACED), (Input::Draining { retry_after_ms: 500 }, ErrorCode::SHUTTING_DOWN)]
    {
        let mut dialogue = Dialogue::live();
        dialogue.session.handle_input(input, START);
        assert_eq!(codes(&dialogue.hear()), [(0, code)]);
        assert!(dialogue.session.is_ended());
    }
}

#[test]
fn an_unknown_frame_type_is_answered_and_the_link_goes_on() {
    let mut dialogue = Dialogue::greeted();
    dialogue.say(&ClientFrame::Unknown(60));
    assert!(matches!(&dialogue.hear()[..], [ServerFrame::Unsupported(unsupported)] if unsupported.frame_type == 60));
    dialogue.say(&ClientFrame::Ping);
    assert_eq!(dialogue.hear(), [ServerFrame::Pong]);
}

fn push(position: u64, expires_ms: TimeMs) -> Appended {
    let message = CustomMessage { content: "news".into(), ..CustomMessage::default() };
    let content = PushContent { notification: None, message: Some(message) };
    let push = Push {
        msg_id: Position(position - 1),
        expires_ms,
        contents: vec![(Platform::ANDROID, content)],
        replaces: None,
    };
    let route = Route::Devices { push: Arc::new(push), devices: vec![DEVICE] };
    Appended { app: APP, position: Position(position), at_ms: START, route }
}

fn conversation() -> Conversation {
    Conversation {
        chat: Chat::User("bob".into()),
        name: String::new(),
        windows: Vec::new(),
        last: Position(490),
        last_seq: 1,
        read_mark: Position::START,
        newest: Vec::new(),
        hole: false,
        extensions: Extensions::default(),
    }
}

/// A plan as the store makes it, for so many chats.
fn planned(to: u64, chats: usize) -> Answer {
    Answer::Plan {
        to: Position(to),
        chats: vec![PlannedChat { kind: ConversationKind::Single, chain: ChainNumber(1) }; chats],
        receipts: ReceiptPage::default(),
    }
}
