//! What a decoder refuses, what an encoder refuses, and what both hold when they do.

use anser_protocol::content::Content;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::chat::{CatchUp, Conversation, Deliver, Record, Send};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::framing::FrameTooLong;
use anser_protocol::ids::{GroupId, Position};
use anser_protocol::limits::{CLIENT_FRAME_BYTES_MAX, FRAME_BYTES_MAX, USERNAME_BYTES_MAX};
use anser_protocol::names::Chat;
use anser_protocol::{Decoder, Encoder, Malformed};

fn hex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER_PERMISSIVE.decode(text.replace(' ', "").as_bytes()).expect("hexadecimal digits")
}

fn text_to(chat: Chat, bytes: usize) -> ClientFrame {
    ClientFrame::Send(Send { outbox: 1, chat, content: Content::text(&"x".repeat(bytes)) })
}

fn client_bytes(encoder: &mut Encoder, frame: &ClientFrame) -> Vec<u8> {
    let mut bytes = Vec::new();
    encoder.client(frame, &mut bytes).expect("a short frame");
    bytes
}

#[test]
fn bytes_left_over_behind_a_body_are_malformed() {
    assert_eq!(Decoder::default().client(&hex("05")), Ok(ClientFrame::Ping));
    assert_eq!(Decoder::default().client(&hex("05 00")), Err(Malformed));
    assert_eq!(Decoder::default().server(&hex("44 00")), Err(Malformed));
}

#[test]
fn an_empty_or_cut_frame_is_malformed() {
    assert_eq!(Decoder::default().client(&[]), Err(Malformed));
    assert_eq!(Decoder::default().server(&hex("ff")), Err(Malformed));
    assert_eq!(Decoder::default().client(&hex("07")), Err(Malformed));
}

#[test]
fn an_unknown_type_is_told_by_its_number_whatever_follows() {
    assert_eq!(Decoder::default().client(&hex("3f ff ff ff")), Ok(ClientFrame::Unknown(63)));
    assert_eq!(Decoder::default().client(&hex("44")), Ok(ClientFrame::Unknown(68)), "a server's type from a client");
    assert_eq!(Decoder::default().server(&hex("80 01")), Ok(ServerFrame::Unknown(128)));
}

#[test]
fn reserved_references_are_malformed() {
    for reference in ["02", "04", "05", "06", "07"] {
        let send = hex(&format!("06 01 {reference} 01 02 68 69 00"));
        assert_eq!(Decoder::default().client(&send), Err(Malformed), "chat reference {reference}");
    }
    for reference in ["04", "05", "06", "07"] {
        let deliver = hex(&format!("47 02 00 00 03 62 6f 62 {reference} 02 01 02 68 69 00"));
        assert_eq!(Decoder::default().server(&deliver), Err(Malformed), "user reference {reference}");
    }
}

#[test]
fn a_number_that_nothing_was_introduced_under_is_malformed() {
    assert_eq!(Decoder::default().client(&hex("06 01 08 01 02 68 69 00")), Err(Malformed), "no chat so far");
    let mut decoder = Decoder::default();
    decoder.client(&hex("06 01 00 03 62 6f 62 01 02 68 69 00")).expect("introduces bob");
    assert!(decoder.client(&hex("06 02 08 01 02 68 69 00")).is_ok());
    assert_eq!(decoder.client(&hex("06 03 09 01 02 68 69 00")), Err(Malformed), "only one chat so far");
}

#[test]
fn myself_before_a_login_and_the_peer_of_a_group_are_malformed() {
    assert_eq!(Decoder::default().server(&hex("47 02 00 00 03 62 6f 62 03 02 01 02 68 69 00")), Err(Malformed));
    assert_eq!(Decoder::default().server(&hex("47 02 00 01 80 ad e2 04 02 02 01 02 68 69 00")), Err(Malformed));
}

#[test]
fn a_flag_is_0_or_1_and_text_is_utf8() {
    assert!(Decoder::default().server(&hex("49 00 00 01 00 00")).is_ok());
    assert_eq!(Decoder::default().server(&hex("49 00 00 02 00 00")), Err(Malformed), "is_last");
    assert!(Decoder::default().client(&hex("10 01 01 61 00")).is_ok());
    assert_eq!(Decoder::default().client(&hex("10 01 01 ff 00")), Err(Malformed), "a username");
}

#[test]
fn more_extensions_than_allowed_are_malformed() {
    let logout = |extensions: u8| [hex("03 01"), vec![extensions], [7, 0].repeat(usize::from(extensions))].concat();
    assert!(Decoder::default().client(&logout(16)).is_ok());
    assert_eq!(Decoder::default().client(&logout(17)), Err(Malformed));
}

#[test]
fn more_names_in_a_list_than_allowed_are_malformed() {
    let group_add = |members: usize| {
        let mut bytes = hex("0b 01 80 ad e2 04");
        anser_protocol::varint::write(members as u64, &mut bytes);
        bytes.extend(std::iter::repeat_n(0, members + 1));
        bytes
    };
    assert!(Decoder::default().client(&group_add(500)).is_ok());
    assert_eq!(Decoder::default().client(&group_add(501)), Err(Malformed));
}

#[test]
fn a_frame_beyond_the_senders_limit_is_not_written() {
    let mut out = vec![1, 2, 3];
    let to_bob = |bytes| text_to(Chat::User("bob".into()), bytes);
    assert_eq!(Encoder::default().client(&to_bob(CLIENT_FRAME_BYTES_MAX), &mut out), Err(FrameTooLong));
    assert_eq!(out, [1, 2, 3]);
    // Type, outbox, chat (2 + 3), kind, length (3), extensions.
    assert_eq!(Encoder::default().client(&to_bob(CLIENT_FRAME_BYTES_MAX - 12), &mut out), Ok(()));
    assert_eq!(out.len(), 3 + CLIENT_FRAME_BYTES_MAX);
    assert_eq!(Encoder::default().client(&to_bob(CLIENT_FRAME_BYTES_MAX - 11), &mut out), Err(FrameTooLong));
}

#[test]
fn an_encoder_goes_on_after_a_frame_that_was_too_long_as_if_it_had_never_been_asked() {
    let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
    let mut out = Vec::new();
    assert_eq!(encoder.server(&catch_up(20), &mut out), Err(FrameTooLong));
    assert_eq!(encoder.server(&big_delivery(FRAME_BYTES_MAX), &mut out), Err(FrameTooLong));

    for frame in [catch_up(5), big_delivery(100), catch_up(10)] {
        out.clear();
        encoder.server(&frame, &mut out).expect("a frame within the limit");
        assert!(decoder.server(&out) == Ok(frame), "the two ends no longer agree");
    }
}

#[test]
fn a_name_too_long_for_any_user_gets_no_number_on_either_end() {
    let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
    let long = text_to(Chat::User("n".repeat(USERNAME_BYTES_MAX + 1).into()), 2);
    let longest = text_to(Chat::User("m".repeat(USERNAME_BYTES_MAX).into()), 2);
    for (frame, is_spelt_out) in [(&long, true), (&long, true), (&longest, true), (&longest, false), (&long, true)] {
        let bytes = client_bytes(&mut encoder, frame);
        assert_eq!(decoder.client(&bytes).as_ref(), Ok(frame));
        assert_eq!(bytes.len() > USERNAME_BYTES_MAX, is_spelt_out);
    }
    assert_eq!(client_bytes(&mut encoder, &longest), hex("06 01 08 01 02 78 78 00"), "the first slot");
}

fn record(position: u64, from: &str, bytes: usize) -> Record {
    let content = Content::text(&"x".repeat(bytes));
    Record { position: Position(position), at_ms: 1000 + position, from: from.into(), outbox: 0, content }
}

fn big_delivery(bytes: usize) -> ServerFrame {
    let record = record(900, "dave", bytes);
    ServerFrame::Deliver(Deliver { after: Position(800), chat: Chat::Group(GroupId(10_000_009)), record })
}

/// Twenty rows of 4,000 bytes do not fit into one frame.
fn catch_up(rows: u32) -> ServerFrame {
    let conversation = |row: u32| Conversation {
        chat: Chat::Group(GroupId(10_000_000 + row)),
        name: "group".into(),
        windows: vec![],
        last: Position(700 + u64::from(row)),
        last_seq: 3,
        read_mark: Position(0),
        newest: vec![record(700 + u64::from(row), &format!("user{row}"), 4000)],
        hole: false,
        extensions: Extensions::default(),
    };
    ServerFrame::CatchUp(CatchUp {
        after: Position(10),
        to: Position(800),
        is_last: true,
        conversations: (0..rows).map(conversation).collect(),
        extensions: Extensions::default(),
    })
}
