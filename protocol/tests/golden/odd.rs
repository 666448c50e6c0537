//! Bytes that no encoder writes: those that a reader must accept all the same, and those that it must refuse.

use anser_protocol::content::Content;
use anser_protocol::frame::chat::Ack;
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::Position;

use super::Frames;
use super::samples::*;

pub struct Accepted {
    pub name: &'static str,
    pub meaning: &'static str,
    /// One text for each frame.
    pub hex: Vec<&'static str>,
    pub frames: Frames,
}

pub struct Refused {
    pub name: &'static str,
    pub meaning: &'static str,
    pub direction: &'static str,
    /// The last one is refused; those before it are fine.
    pub hex: Vec<&'static str>,
}

pub fn accepted() -> Vec<Accepted> {
    let hi = || Content::text("hi");
    vec![
        Accepted {
            name: "unknown_client_frame",
            meaning: "Type 63 is not known: its body is skipped unread and the server answers Unsupported.",
            hex: vec!["3fdeadbeef"],
            frames: Frames::Client(vec![ClientFrame::Unknown(63)]),
        },
        Accepted {
            name: "unknown_server_frame",
            meaning: "Type 200 is not known: its body is skipped unread.",
            hex: vec!["c801deadbeef"],
            frames: Frames::Server(vec![ServerFrame::Unknown(200)]),
        },
        Accepted {
            name: "server_type_from_a_client",
            meaning: "A type of the other direction is an unknown type.",
            hex: vec!["44"],
            frames: Frames::Client(vec![ClientFrame::Unknown(68)]),
        },
        Accepted {
            name: "longer_varints",
            meaning: "Integers may be written longer than needed; writers must not do it.",
            hex: vec!["8700e0808000"],
            frames: Frames::Client(vec![ClientFrame::Ack(Ack { position: Position(96) })]),
        },
        Accepted {
            name: "a_known_name_spelt_out",
            meaning: "A name that has a number may be introduced again; it then takes the next slot as well: bob is 8 and 9.",
            hex: vec!["06010003626f620102686900", "06020003626f620102686900", "0603080102686900", "0604090102686900"],
            frames: Frames::Client((1..=4).map(|outbox| send(outbox, user("bob"), hi())).collect()),
        },
        Accepted {
            name: "a_sender_spelt_out",
            meaning: "The server's use of peer, myself and numbers is its own choice.",
            hex: vec!["4780808001808080010003626f620003626f6280b083c598680102686900"],
            frames: Frames::Server(vec![deliver(HERE, user("bob"), record(HERE, NOW_MS, "bob", hi()))]),
        },
    ]
}

pub fn refused() -> Vec<Refused> {
    let refused =
        |name, direction, meaning, hex: &[&'static str]| Refused { name, meaning, direction, hex: hex.to_vec() };
    let client = |name, meaning, hex: &[&'static str]| refused(name, "client", meaning, hex);
    let server = |name, meaning, hex: &[&'static str]| refused(name, "server", meaning, hex);
    vec![
        client("empty_frame", "A frame has at least a type.", &[""]),
        client("cut_type", "A varint that does not end.", &["86"]),
        client("type_beyond_64_bits", "No 64-bit integer.", &["ffffffffffffffffff02"]),
        client("left_over_bytes", "A ping has no body.", &["0500"]),
        client("cut_body", "An ack without its position.", &["07"]),
        client("text_longer_than_the_frame", "A name of 127 bytes of which 1 is there.", &["10067f61"]),
        client("text_not_utf8", "A name of the byte ff.", &["100601ff00"]),
        client("option_neither_0_nor_1", "A cursor that is neither there nor not.", &["020105616c696365010178020000"]),
        client("request_beyond_32_bits", "A request number of 33 bits.", &["03808080801000"]),
        client("reserved_chat_reference", "References 2 to 7 mean nothing.", &["0601020102686900"]),
        client("unknown_chat_number", "Slot 0 before any name.", &["0601080102686900"]),
        client("chat_number_too_high", "Slot 1 after one name.", &["06010003626f620102686900", "0602090102686900"]),
        client(
            "seventeen_extensions",
            "A list has at most 16.",
            &["03011107000700070007000700070007000700070007000700070007000700070007000700"],
        ),
        server("flag_neither_0_nor_1", "is_last is 2.", &["490000020000"]),
        server("reserved_user_reference", "References 4 to 7 mean nothing.", &["4702000003626f6204020102686900"]),
        server("peer_of_a_group", "A group has no peer.", &["4702000187ade20402020102686900"]),
        server("myself_before_a_login", "Nobody is logged in.", &["4702000003626f6203020102686900"]),
        server("unknown_sender_number", "Slot 0 before any sender.", &["4702000187ade20408020102686900"]),
    ]
}
