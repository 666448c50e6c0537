//! Each reason why a device does not have a push, and the sentence for it.

use super::*;

const NOON: TimeMs = 1_700_000_000_000;
const HOUR: TimeMs = 3_600_000;

fn push() -> PushTrace {
    PushTrace {
        accepted_ms: NOON,
        expires_ms: NOON + HOUR,
        is_live_only: false,
        is_withdrawn: false,
        replaced_by: None,
        parts: None,
        targets: 3,
        platforms: vec![(Platform::ANDROID, 3)],
        counts: PushSteps::default(),
    }
}

fn device() -> DeviceTrace {
    DeviceTrace {
        device: DeviceNumber(7),
        platform: Platform::ANDROID,
        registered_ms: NOON - HOUR,
        is_younger: false,
        is_target: Some(true),
        steps: PushSteps::default(),
        has_stopped_pushes: false,
        is_dormant: false,
        cursor: Position::START,
    }
}

fn facts<'a>(push: &'a PushTrace, device: &'a DeviceTrace) -> Facts<'a> {
    Facts {
        push,
        device,
        is_connected: false,
        sent_ms: None,
        newer_waiting: Some(0),
        waiting_max: 5,
        last_seen_ms: Some(NOON - HOUR),
        now_ms: NOON + 1,
        zone: TimeZone::UTC,
    }
}

#[test]
fn each_reason_has_its_sentence() {
    let received = PushSteps { received: true, clicked: true, ..PushSteps::default() };
    let bridged = PushSteps { bridged: true, ..PushSteps::default() };
    let reached = PushSteps { reached: true, ..PushSteps::default() };
    let not_chosen = || DeviceTrace { is_target: Some(false), ..device() };
    let cases = [
        (push(), DeviceTrace { steps: received, ..device() }, "received it, and its user clicked"),
        (push(), DeviceTrace { is_younger: true, ..device() }, "registered at 2023-11-14 21:13:20, after"),
        (push(), DeviceTrace { is_target: None, ..device() }, "Too old to tell"),
        (push(), DeviceTrace { platform: Platform::IOS, ..not_chosen() }, "no ios device was"),
        (push(), DeviceTrace { is_dormant: true, ..not_chosen() }, "push.inactive_days"),
        (push(), not_chosen(), "not in the audience"),
        (PushTrace { is_live_only: true, ..push() }, not_chosen(), "time_to_live 0"),
        (push(), DeviceTrace { steps: bridged, ..device() }, "A bridge handed it"),
        (PushTrace { is_withdrawn: true, ..push() }, device(), "withdrawn"),
        (PushTrace { replaced_by: Some(Position(9)), ..push() }, device(), "replaced by the push 9"),
        (push(), DeviceTrace { has_stopped_pushes: true, ..device() }, "asked for no pushes"),
        (push(), DeviceTrace { steps: reached, ..device() }, "handed to the device's link"),
        (PushTrace { expires_ms: NOON, ..push() }, device(), "did not come before it expired at 2023-11-14 22:13:20"),
        (PushTrace { parts: Some((1, 7)), ..push() }, device(), "given out slowly"),
        (push(), device(), "The device is away, last seen at 2023-11-14 21:13:20; the push waits"),
    ];
    for (push, device, expected) in cases {
        let told = facts(&push, &device).why();
        assert!(told.contains(expected), "{expected:?}: {told}");
    }
}

#[test]
fn what_depends_on_this_moment_has_its_sentence_too() {
    let (push, device) = (push(), device());
    let crowded = Facts { newer_waiting: Some(5), ..facts(&push, &device) };
    assert!(
        crowded.why().contains("5 newer pushes wait") && crowded.why().contains("the newest 5"),
        "{}",
        crowded.why()
    );
    let sent = Facts { sent_ms: Some(NOON), is_connected: true, ..facts(&push, &device) };
    assert!(sent.why().contains("written to the device's link at 2023-11-14 22:13:20"), "{}", sent.why());
    let connected = Facts { is_connected: true, ..facts(&push, &device) };
    assert!(connected.why().contains("is connected"), "{}", connected.why());
}
