//! The judge finds what is planted, names it, and finds nothing in a clean run.

use anser_tests::judge::{Event, Finding, Judge, Kind, Order, Recorder, Verdict, event};

const CHAT: &str = "single alice bob";
const GROUP: &str = "group 10000000";
const PUSHES: &str = "push app";

/// A run told in stamps of our own: each event comes one nanosecond after the last.
struct Run {
    judge: Judge,
    now: u64,
}

impl Run {
    fn of(chain: &str, order: Order, members: &[&str]) -> Self {
        let mut run = Self { judge: Judge::new(), now: 0 };
        run.tell(|at| Event::Chain { at, chain: chain.into(), order });
        for member in members {
            run.join(chain, member);
        }
        run
    }

    fn chat() -> Self {
        Self::of(CHAT, Order::Ordered, &["bob"])
    }

    fn group() -> Self {
        Self::of(GROUP, Order::Ordered, &["alice", "bob", "carol"])
    }

    fn tell(&mut self, event: impl FnOnce(u64) -> Event) {
        self.now += 1;
        self.judge.record(&event(self.now));
    }

    fn join(&mut self, chain: &str, receiver: &str) {
        self.tell(|at| Event::Joining { at, chain: chain.into(), receiver: receiver.into() });
        self.tell(|at| Event::Joined { at, chain: chain.into(), receiver: receiver.into() });
    }

    fn send(&mut self, chain: &str, message: &str, from: &str) {
        self.tell(|at| Event::Sent { at, chain: chain.into(), message: message.into(), from: from.into(), lane: None });
    }

    fn send_in_lane(&mut self, chain: &str, message: &str, from: &str) {
        let lane = Some(from.to_owned());
        self.tell(|at| Event::Sent { at, chain: chain.into(), message: message.into(), from: from.into(), lane });
    }

    fn answer(&mut self, chain: &str, message: &str, id: u64) {
        self.tell(|at| Event::Answered { at, chain: chain.into(), message: message.into(), id });
    }

    fn receive(&mut self, chain: &str, message: &str, receiver: &str) {
        self.receive_as(chain, message, receiver, None);
    }

    fn receive_as(&mut self, chain: &str, message: &str, receiver: &str, id: Option<u64>) {
        let receiver = receiver.to_owned();
        self.tell(|at| Event::Received { at, chain: chain.into(), message: message.into(), receiver, id });
    }

    /// Alice sends and is answered, one after the other.
    fn say(&mut self, chain: &str, messages: &[&str]) {
        for message in messages {
            self.send(chain, message, "alice");
            let id = self.now;
            self.answer(chain, message, id);
        }
    }

    fn fault(&mut self, within: impl FnOnce(&mut Self)) {
        self.tell(|at| Event::FaultBegins { at });
        within(self);
        self.tell(|at| Event::FaultEnds { at });
    }

    fn findings(self) -> Vec<(Kind, String, String, String)> {
        let verdict = self.judge.verdict();
        assert_eq!(verdict.is_ok(), verdict.findings.is_empty());
        let name = |f: Finding| (f.kind, f.chain, f.receiver, f.message);
        verdict.findings.into_iter().map(name).collect()
    }
}

fn finding(kind: Kind, chain: &str, receiver: &str, message: &str) -> (Kind, String, String, String) {
    (kind, chain.to_owned(), receiver.to_owned(), message.to_owned())
}

#[test]
fn a_clean_run_is_ok_and_counted() {
    let mut run = Run::group();
    run.say(GROUP, &["m1", "m2"]);
    for receiver in ["bob", "carol"] {
        run.receive(GROUP, "m1", receiver);
        run.receive(GROUP, "m2", receiver);
    }
    let verdict = run.judge.verdict();
    assert!(verdict.is_ok(), "{verdict}");
    assert_eq!((verdict.sent, verdict.answered), (2, 2));
    assert_eq!((verdict.total().required, verdict.total().received), (4, 4));
    assert_eq!(verdict.rows.len(), 3);
}

#[test]
fn an_answered_message_that_never_arrives_is_lost() {
    let mut run = Run::chat();
    run.say(CHAT, &["m1", "m2", "m3"]);
    run.receive(CHAT, "m1", "bob");
    run.receive(CHAT, "m3", "bob");
    assert_eq!(run.findings(), [finding(Kind::Lost, CHAT, "bob", "m2")]);
}

#[test]
fn a_loss_at_one_group_member_is_told_from_the_others() {
    let mut run = Run::group();
    run.say(GROUP, &["m1"]);
    run.receive(GROUP, "m1", "carol");
    assert_eq!(run.findings(), [finding(Kind::Lost, GROUP, "bob", "m1")]);
}

#[test]
fn a_message_received_twice_is_doubled() {
    let mut run = Run::chat();
    run.say(CHAT, &["m1", "m2"]);
    for message in ["m1", "m2", "m1"] {
        run.receive(CHAT, message, "bob");
    }
    assert_eq!(run.findings(), [finding(Kind::Doubled, CHAT, "bob", "m1")]);
}

#[test]
fn a_push_received_twice_is_doubled() {
    let mut run = Run::of(PUSHES, Order::Unordered, &["phone"]);
    run.say(PUSHES, &["p1"]);
    run.receive(PUSHES, "p1", "phone");
    run.receive(PUSHES, "p1", "phone");
    assert_eq!(run.findings(), [finding(Kind::Doubled, PUSHES, "phone", "p1")]);
}

#[test]
fn pushes_may_come_in_any_order() {
    let mut run = Run::of(PUSHES, Order::Unordered, &["phone"]);
    run.say(PUSHES, &["p1", "p2"]);
    run.receive(PUSHES, "p2", "phone");
    run.receive(PUSHES, "p1", "phone");
    assert_eq!(run.findings(), []);
}

#[test]
fn swapped_answered_messages_are_out_of_order() {
    let mut run = Run::chat();
    run.say(CHAT, &["m1", "m2", "m3"]);
    for message in ["m2", "m1", "m3"] {
        run.receive(CHAT, message, "bob");
    }
    assert_eq!(run.findings(), [finding(Kind::OutOfOrder, CHAT, "bob", "m1")]);
}

#[test]
fn a_lane_keeps_its_order_even_where_answers_are_missing() {
    let mut run = Run::chat();
    run.send_in_lane(CHAT, "m1", "alice");
    run.send_in_lane(CHAT, "m2", "alice");
    run.receive(CHAT, "m2", "bob");
    run.receive(CHAT, "m1", "bob");
    assert_eq!(run.findings(), [finding(Kind::OutOfOrder, CHAT, "bob", "m1")]);
}

#[test]
fn concurrent_sends_without_a_lane_may_come_in_either_order() {
    let mut run = Run::chat();
    run.send(CHAT, "m1", "server");
    run.send(CHAT, "m2", "server");
    run.answer(CHAT, "m1", 1);
    run.answer(CHAT, "m2", 2);
    run.receive(CHAT, "m2", "bob");
    run.receive(CHAT, "m1", "bob");
    assert_eq!(run.findings(), []);
}

#[test]
fn two_members_must_agree_on_the_order_of_concurrent_sends() {
    let mut run = Run::group();
    run.send(GROUP, "m1", "alice");
    run.send(GROUP, "m2", "server");
    run.answer(GROUP, "m1", 1);
    run.answer(GROUP, "m2", 2);
    for (message, receiver) in [("m2", "alice"), ("m1", "bob"), ("m2", "bob"), ("m2", "carol"), ("m1", "carol")] {
        run.receive(GROUP, message, receiver);
    }
    let found = run.findings();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, Kind::OutOfOrder);
}

#[test]
fn one_members_swap_does_not_put_the_others_out_of_order() {
    let mut run = Run::group();
    run.say(GROUP, &["m1", "m2", "m3"]);
    for message in ["m1", "m2", "m3"] {
        run.receive(GROUP, message, "carol");
    }
    for message in ["m1", "m3", "m2"] {
        run.receive(GROUP, message, "bob");
    }
    assert_eq!(run.findings(), [finding(Kind::OutOfOrder, GROUP, "bob", "m2")]);
}

#[test]
fn a_message_nobody_sent_is_unexpected() {
    let mut run = Run::chat();
    run.receive(CHAT, "ghost", "bob");
    assert_eq!(run.findings(), [finding(Kind::Unexpected, CHAT, "bob", "ghost")]);
}

#[test]
fn a_message_at_an_application_outside_the_chain_is_unexpected() {
    let mut run = Run::chat();
    run.say(CHAT, &["m1"]);
    run.receive(CHAT, "m1", "bob");
    run.receive(CHAT, "m1", "mallory");
    assert_eq!(run.findings(), [finding(Kind::Unexpected, CHAT, "mallory", "m1")]);
}

#[test]
fn a_refused_message_that_arrives_is_unexpected() {
    let mut run = Run::chat();
    run.send(CHAT, "m1", "alice");
    run.tell(|at| Event::Refused { at, chain: CHAT.into(), message: "m1".into() });
    run.receive(CHAT, "m1", "bob");
    assert_eq!(run.findings(), [finding(Kind::Unexpected, CHAT, "bob", "m1")]);
}

#[test]
fn a_message_under_another_id_than_it_was_answered_with_is_unexpected() {
    let mut run = Run::chat();
    run.send(CHAT, "m1", "alice");
    run.answer(CHAT, "m1", 7);
    run.receive_as(CHAT, "m1", "bob", Some(8));
    assert_eq!(run.findings(), [finding(Kind::Unexpected, CHAT, "bob", "m1")]);
}

#[test]
fn two_messages_under_one_id_are_unexpected() {
    let mut run = Run::chat();
    run.send(CHAT, "m1", "alice");
    run.answer(CHAT, "m1", 7);
    run.send(CHAT, "m2", "alice");
    run.answer(CHAT, "m2", 7);
    run.receive(CHAT, "m1", "bob");
    run.receive(CHAT, "m2", "bob");
    assert_eq!(run.findings(), [finding(Kind::Unexpected, CHAT, "alice", "m2")]);
}

#[test]
fn what_was_answered_within_a_fault_may_be_lost_or_arrive() {
    for arrives in [false, true] {
        let mut run = Run::chat();
        run.say(CHAT, &["before"]);
        run.send(CHAT, "within", "alice");
        run.fault(|run| run.answer(CHAT, "within", 2));
        run.say(CHAT, &["after"]);
        run.receive(CHAT, "before", "bob");
        if arrives {
            run.receive(CHAT, "within", "bob");
        }
        run.receive(CHAT, "after", "bob");
        assert_eq!(run.findings(), []);
    }
}

#[test]
fn what_was_answered_before_the_fault_began_must_survive_it() {
    let mut run = Run::chat();
    run.say(CHAT, &["m1"]);
    run.fault(|_| {});
    assert_eq!(run.findings(), [finding(Kind::Lost, CHAT, "bob", "m1")]);
}

#[test]
fn what_was_sent_before_the_fault_and_answered_after_it_must_arrive_once() {
    let mut run = Run::chat();
    run.send_in_lane(CHAT, "m1", "alice");
    run.fault(|_| {});
    run.answer(CHAT, "m1", 1);
    assert_eq!(run.findings(), [finding(Kind::Lost, CHAT, "bob", "m1")]);
}

#[test]
fn a_message_without_an_answer_may_arrive_but_not_twice() {
    let mut run = Run::chat();
    run.send(CHAT, "m1", "alice");
    run.send(CHAT, "m2", "alice");
    run.receive(CHAT, "m2", "bob");
    run.receive(CHAT, "m2", "bob");
    assert_eq!(run.findings(), [finding(Kind::Doubled, CHAT, "bob", "m2")]);
}

#[test]
fn a_member_is_owed_what_is_sent_after_joining_and_answered_before_leaving() {
    let mut run = Run::of(GROUP, Order::Ordered, &[]);
    run.say(GROUP, &["early"]);
    run.tell(|at| Event::Joining { at, chain: GROUP.into(), receiver: "bob".into() });
    run.say(GROUP, &["while joining"]);
    run.tell(|at| Event::Joined { at, chain: GROUP.into(), receiver: "bob".into() });
    run.say(GROUP, &["inside"]);
    run.tell(|at| Event::Leaving { at, chain: GROUP.into(), receiver: "bob".into() });
    run.say(GROUP, &["while leaving"]);
    run.tell(|at| Event::Left { at, chain: GROUP.into(), receiver: "bob".into() });
    run.say(GROUP, &["late"]);
    assert_eq!(run.findings(), [finding(Kind::Lost, GROUP, "bob", "inside")]);
}

#[test]
fn a_member_must_not_see_what_was_sent_before_joining_or_after_leaving() {
    let mut run = Run::of(GROUP, Order::Ordered, &[]);
    run.say(GROUP, &["early"]);
    run.join(GROUP, "bob");
    run.tell(|at| Event::Leaving { at, chain: GROUP.into(), receiver: "bob".into() });
    run.tell(|at| Event::Left { at, chain: GROUP.into(), receiver: "bob".into() });
    run.say(GROUP, &["late"]);
    run.receive(GROUP, "early", "bob");
    run.receive(GROUP, "late", "bob");
    let unexpected = |message| finding(Kind::Unexpected, GROUP, "bob", message);
    assert_eq!(run.findings(), [unexpected("early"), unexpected("late")]);
}

#[test]
fn outstanding_falls_to_zero_when_all_that_must_arrive_has() {
    let mut run = Run::group();
    assert_eq!(run.judge.outstanding(), 0);
    run.send(GROUP, "m1", "alice");
    run.receive(GROUP, "m1", "bob");
    assert_eq!(run.judge.outstanding(), 0, "an unanswered message is not owed");
    run.answer(GROUP, "m1", 1);
    assert_eq!(run.judge.outstanding(), 1, "carol waits");
    run.receive(GROUP, "m1", "carol");
    assert_eq!(run.judge.outstanding(), 0);
}

#[test]
fn a_finding_names_message_chain_and_application() {
    let mut run = Run::chat();
    run.say(CHAT, &["m1", "m2"]);
    run.receive(CHAT, "m2", "bob");
    run.receive(CHAT, "m1", "bob");
    let told = run.judge.verdict().to_string();
    assert!(told.starts_with("FAILED"), "{told}");
    assert!(told.contains("out of order: message m1 of chain single alice bob at bob: it came after m2"), "{told}");
}

#[test]
#[should_panic(expected = "in the order of their stamps")]
fn a_recording_whose_stamps_run_backwards_is_not_judged() {
    let mut run = Run::chat();
    run.now = 0;
    run.say(CHAT, &["m1"]);
}

#[test]
fn a_run_recorded_by_two_processes_is_judged_like_one() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (senders, receivers) = (folder.path().join("senders"), folder.path().join("receivers"));
    let (sender, receiver) = (
        Recorder::to_file(&senders).expect("the folder is writable"),
        Recorder::to_file(&receivers).expect("the folder is writable"),
    );
    sender.chain(CHAT, Order::Ordered);
    sender.member(CHAT, "bob");
    for message in ["m1", "m2"] {
        sender.sent_in_lane(CHAT, message, "alice");
        receiver.received(CHAT, message, "bob", None);
    }
    sender.answered(CHAT, "m1", 1);
    sender.answered(CHAT, "m2", 2);
    let read = |path| {
        let file = std::fs::File::open(path).expect("the recorder made it");
        event::read_lines(std::io::BufReader::new(file)).expect("the recorder writes whole lines")
    };
    let mut judge = Judge::new();
    for event in event::merge([read(&senders), read(&receivers)]) {
        judge.record(&event);
    }
    let verdict = judge.verdict();
    assert!(verdict.is_ok(), "{verdict}");
    assert_eq!(verdict.total().required, 2);
}

#[test]
fn a_hundred_thousand_messages_to_fifty_receivers_are_judged() {
    // Given a large group in which one receiver loses a message, one gets one twice and one gets two swapped,
    let members: Vec<String> = (0..50).map(|i| format!("member {i}")).collect();
    let recorder = Recorder::to_judge();
    recorder.chain(GROUP, Order::Ordered);
    for member in &members {
        recorder.member(GROUP, member);
    }
    for n in 0..100_000u64 {
        let message = n.to_string();
        recorder.sent_in_lane(GROUP, &message, "server");
        recorder.answered(GROUP, &message, n);
        for (number, member) in members.iter().enumerate() {
            match (number, n) {
                (7, 5_000) => {}
                (8, 6_000) => (0..2).for_each(|_| recorder.received(GROUP, &message, member, None)),
                (9, 69_999) => {}
                (9, 70_000) => ["70000", "69999"].iter().for_each(|m| recorder.received(GROUP, m, member, None)),
                _ => recorder.received(GROUP, &message, member, None),
            }
        }
    }
    // then exactly these three are found.
    let verdict = recorder.verdict();
    let found: Vec<_> = verdict.findings.iter().map(|f| (f.kind, &*f.receiver, &*f.message)).collect();
    let planted = [
        (Kind::Doubled, "member 8", "6000"),
        (Kind::Lost, "member 7", "5000"),
        (Kind::OutOfOrder, "member 9", "69999"),
    ];
    assert_eq!(found, planted, "{verdict}");
}

#[test]
fn findings_are_bounded_but_all_are_counted() {
    let mut run = Run::chat();
    let messages: Vec<String> = (0..2_000).map(|n| n.to_string()).collect();
    run.say(CHAT, &messages.iter().map(String::as_str).collect::<Vec<_>>());
    let verdict = run.judge.verdict();
    assert_eq!(verdict.total().lost, 2_000);
    assert_eq!(verdict.findings.len(), Verdict::FINDINGS_MAX);
}
