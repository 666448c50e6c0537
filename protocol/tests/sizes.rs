//! The bytes around a message, as the design budgets them.

use anser_protocol::content::Content;
use anser_protocol::frame::chat::{Deliver, Record, Send};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::{GroupId, Position};
use anser_protocol::names::Chat;
use anser_protocol::{Decoder, Encoder, framing};

const TEXT: &str = "twenty bytes of text";
const START_MS: u64 = 1_790_000_000_000;

fn stream_bytes(write: impl FnOnce(&mut Vec<u8>)) -> usize {
    let mut out = Vec::new();
    framing::append::<()>(&mut out, |out| {
        write(out);
        Ok(())
    })
    .expect("writing to memory");
    out.len()
}

fn send(outbox: u64) -> ClientFrame {
    ClientFrame::Send(Send { outbox, chat: Chat::User("bob".into()), content: Content::text(TEXT) })
}

fn deliver(position: u64, at_ms: u64) -> ServerFrame {
    ServerFrame::Deliver(Deliver {
        after: Position(position - 5000),
        chat: Chat::Group(GroupId(10_000_007)),
        record: Record {
            position: Position(position),
            at_ms,
            from: "carol".into(),
            outbox: 0,
            content: Content::text(TEXT),
        },
    })
}

#[test]
fn at_most_12_bytes_stand_around_a_sent_text_after_the_first_to_a_chat() {
    let mut encoder = Encoder::default();
    let mut out = Vec::new();
    encoder.client(&send(1), &mut out).expect("a short frame");
    let around = stream_bytes(|out| encoder.client(&send(2_000_000), out).expect("a short frame")) - TEXT.len();
    assert!(around <= 12, "{around} bytes");
}

#[test]
fn at_most_16_bytes_stand_around_a_delivered_text_after_the_first_of_a_sender() {
    let mut encoder = Encoder::default();
    let mut out = Vec::new();
    encoder.server(&deliver(1 << 45, START_MS), &mut out).expect("a short frame");
    let next = deliver((1 << 45) + 5000, START_MS + 60_000);
    let around = stream_bytes(|out| encoder.server(&next, out).expect("a short frame")) - TEXT.len();
    assert!(around <= 16, "{around} bytes");
}

#[test]
fn a_heartbeat_takes_two_bytes_each_way() {
    assert_eq!(stream_bytes(|out| Encoder::default().client(&ClientFrame::Ping, out).expect("empty")), 2);
    assert_eq!(stream_bytes(|out| Encoder::default().server(&ServerFrame::Pong, out).expect("empty")), 2);
}

#[test]
fn a_delivery_is_read_back_whether_or_not_its_names_were_seen_before() {
    let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
    for index in 0..200u64 {
        let frame = ServerFrame::Deliver(Deliver {
            after: Position(index * 3),
            chat: if index % 3 == 0 {
                Chat::Group(GroupId(10_000_000))
            } else {
                Chat::User(format!("u{index}").into())
            },
            record: Record {
                position: Position(index * 7 + 20),
                at_ms: START_MS - index,
                from: format!("u{}", index % 90).into(),
                outbox: 0,
                content: Content::text(TEXT),
            },
        });
        let mut bytes = Vec::new();
        encoder.server(&frame, &mut bytes).expect("a short frame");
        assert_eq!(decoder.server(&bytes), Ok(frame));
    }
}
