//! What a device tells of itself in its hello.

use anser_storage::command::{DeviceCommand, MarkCommand};

use super::*;

fn telling(traits: &Traits) -> ClientFrame {
    let ClientFrame::Hello(hello) = hello("1f00") else { panic!("no hello") };
    ClientFrame::Hello(Hello { extensions: traits.add_to(Extensions::default()), ..hello })
}

fn model(text: &str) -> Traits {
    Traits::default().with(TraitKind::Model, text).expect("a short text")
}

/// What is submitted when a device of these known traits says this hello.
fn submitted(hello: &ClientFrame, known: Traits) -> Vec<Command> {
    let mut dialogue = Dialogue::new();
    dialogue.say(hello);
    let (ticket, _) = dialogue.question();
    let device = KnownDevice { traits: known, ..known_device() };
    dialogue.answer(ticket, Answer::Greet(Some(Greeted { app: APP, device: Some(device) })));
    assert!(matches!(dialogue.hear()[..], [ServerFrame::Welcome(_)]));
    let actions = std::iter::from_fn(|| dialogue.session.next_action());
    actions.filter_map(|action| if let Action::Submit(_, command) = action { Some(command) } else { None }).collect()
}

#[test]
fn only_what_differs_from_what_is_known_is_stored() {
    let set = Command::Device(DeviceCommand::SetTraits { app: APP, device: DEVICE, traits: model("Pixel 9") });
    assert_eq!(submitted(&telling(&model("Pixel 9")), Traits::default()), std::slice::from_ref(&set));
    assert_eq!(submitted(&telling(&model("Pixel 9")), model("Pixel 8")), [set]);
    assert_eq!(submitted(&telling(&model("Pixel 9")), model("Pixel 9")), []);
    assert_eq!(submitted(&hello("1f00"), model("Pixel 9")), [], "it tells nothing");
}

#[test]
fn a_device_that_was_away_for_long_is_awake_with_its_hello() {
    let mut dialogue = Dialogue::new();
    dialogue.say(&hello("1f00"));
    let (ticket, _) = dialogue.question();
    let device = KnownDevice { is_dormant: true, ..known_device() };
    dialogue.answer(ticket, Answer::Greet(Some(Greeted { app: APP, device: Some(device) })));
    let actions = std::iter::from_fn(|| dialogue.session.next_action());
    let marked = actions.filter_map(|action| match action {
        Action::Submit(_, Command::Mark(MarkCommand::Present { app, devices, .. })) => Some((app, devices)),
        _ => None,
    });
    assert_eq!(marked.collect::<Vec<_>>(), [(APP, vec![DEVICE])]);
}

#[test]
fn a_trait_that_cannot_be_one_refuses_the_hello_and_is_named() {
    let mut dialogue = Dialogue::new();
    let ClientFrame::Hello(hello) = hello("1f00") else { panic!("no hello") };
    let extensions = Extensions::default().with(19, vec![b'x'; 65]);
    dialogue.say(&ClientFrame::Hello(Hello { extensions, ..hello }));
    let heard = dialogue.hear();
    assert_eq!(codes(&heard), [(0, ErrorCode::INVALID)]);
    let [ServerFrame::Failed(failed)] = &heard[..] else { panic!("not refused") };
    assert!(failed.message.contains("model") && failed.message.contains("64"), "{}", failed.message);
    assert!(dialogue.session.is_ended());
}
