//! Every frame, by direction, with its type number.
//!
//! Numbers are never reused. A client's frames are below 64, a server's from 64 to 127, so that one byte names them. What is
//! said rarely has two bytes: a client's from 128 to 1023, a server's from 1024 to 2047.

pub mod chat;
pub mod device;
pub mod group;
pub mod group_order;
pub mod media;
pub mod people;
pub mod push;
pub mod read;
pub mod room;
pub mod session;
pub mod talk;

use self::chat::{
    Ack, CatchUp, ConversationPage, Conversations, Covered, Deliver, History, HistoryPage, Send, SendRefused, Sent,
};
use self::device::{OwnDevices, OwnDevicesAsk};
use self::group::{GroupChange, GroupCreate, GroupCreated, GroupList, GroupMembers, GroupRequest, Groups};
use self::group_order::{
    GroupAnnounced, GroupAnnouncements, GroupAsk, GroupBans, GroupEdit, GroupJoinAnswer, GroupJoins, GroupMake,
    GroupOrder, GroupPage, GroupProfile, GroupSilences, GroupStandings, GroupsPublic,
};
use self::media::{MediaAddress, MediaLocation, MediaTicket, MediaUpload};
use self::people::{
    Blacklist, FriendAnswer, FriendAsk, FriendNote, FriendRemove, Mutes, PasswordChange, People, PeopleList,
    ProfileChange, ProfileChanged, Shields, UsersInfo,
};
use self::push::{
    Activity, Alias, AliasValue, Badge, Mobile, PushAck, PushClicked, PushCovered, PushDeliver, PushReport, PushResume,
    PushStop, PushToken, PushWithdrawn, TagList, Tags,
};
use self::read::{MarksMoved, ReadMarks, ReadMessages, Readers, ReadersAsk, Receipts, UnreadAsk, UnreadCounts};
use self::room::{
    MyRooms, RoomChange, RoomChanged, RoomDeliver, RoomEnter, RoomEvent, RoomInfo, RoomList, RoomMembers, RoomRecords,
    RoomRequest, RoomSend, RoomSilence, RoomUsers, Rooms,
};
use self::session::{
    Done, Failed, GoAway, Hello, LoggedIn, Login, Logout, RegisterUser, Unsupported, UserInfo, UserProfile, Welcome,
};
use self::talk::{CommandCame, Retract, SendCommand};
use crate::varint;

/// The version that this crate speaks.
pub const VERSION: u8 = 1;

macro_rules! frames {
    ($(#[$doc:meta])* $frame:ident, $kind:ident: $($(#[$frame_doc:meta])* $name:ident$(($body:ty))? = $number:literal,)*) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $frame {
            $($(#[$frame_doc])* $name$(($body))?,)*
            /// A type that this version does not know, and was skipped.
            Unknown(u64),
        }

        impl $frame {
            /// Every type of this version: its number and its name.
            pub const TYPES: &'static [(u64, &'static str)] = &[$(($number, stringify!($name))),*];
        }

        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $kind {
            $($name,)*
        }

        impl $kind {
            pub(crate) const ALL: &'static [(u64, Self)] = &[$(($number, Self::$name)),*];

            pub(crate) fn by_number(number: u64) -> Option<Self> {
                Self::ALL.iter().find(|(known, _)| *known == number).map(|(_, kind)| *kind)
            }

            pub(crate) fn number(self) -> u64 {
                match self { $(Self::$name => $number),* }
            }
        }
    };
}

frames! {
    /// What a client says.
    ClientFrame, ClientKind:
    Hello(Hello) = 1,
    Login(Login) = 2,
    Logout(Logout) = 3,
    RegisterUser(RegisterUser) = 4,
    /// Shows that the client is there; answered by a pong.
    Ping = 5,
    Send(Send) = 6,
    Ack(Ack) = 7,
    History(History) = 8,
    Conversations(Conversations) = 9,
    GroupCreate(GroupCreate) = 10,
    GroupAdd(GroupChange) = 11,
    GroupRemove(GroupChange) = 12,
    GroupLeave(GroupRequest) = 13,
    GroupList(GroupList) = 14,
    GroupMembers(GroupRequest) = 15,
    UserInfo(UserInfo) = 16,
    Tags(Tags) = 17,
    Alias(Alias) = 18,
    PushAck(PushAck) = 19,
    PushClicked(PushClicked) = 20,
    RoomSend(RoomSend) = 21,
    PushReport(PushReport) = 28,
    SendCommand(SendCommand) = 29,
    PushToken(PushToken) = 40,
    Badge(Badge) = 41,
    Activity(Activity) = 42,
    Mobile(Mobile) = 43,
    PushStop(PushStop) = 44,
    PushResume(PushResume) = 45,
    GroupMake(GroupMake) = 128,
    GroupEdit(GroupEdit) = 129,
    GroupOrder(GroupOrder) = 130,
    GroupJoinAnswer(GroupJoinAnswer) = 131,
    GroupAsk(GroupAsk) = 132,
    GroupsPublic(GroupsPublic) = 133,
    ReadMarks(ReadMarks) = 136,
    ReadMessages(ReadMessages) = 137,
    ReadersAsk(ReadersAsk) = 138,
    UnreadAsk(UnreadAsk) = 139,
    RoomEnter(RoomEnter) = 160,
    RoomLeave(RoomRequest) = 161,
    RoomList(RoomList) = 162,
    MyRooms(MyRooms) = 163,
    RoomInfo(RoomInfo) = 164,
    RoomMembers(RoomMembers) = 165,
    RoomChange(RoomChange) = 166,
    RoomSilence(RoomSilence) = 167,
    Retract(Retract) = 192,
    MediaUpload(MediaUpload) = 208,
    MediaAddress(MediaAddress) = 209,
    ProfileChange(ProfileChange) = 220,
    PasswordChange(PasswordChange) = 221,
    Blacklist(Blacklist) = 222,
    Mutes(Mutes) = 223,
    Shields(Shields) = 224,
    FriendAsk(FriendAsk) = 225,
    FriendAnswer(FriendAnswer) = 226,
    FriendRemove(FriendRemove) = 227,
    FriendNote(FriendNote) = 228,
    PeopleList(PeopleList) = 229,
    UsersInfo(UsersInfo) = 230,
    OwnDevicesAsk(OwnDevicesAsk) = 240,
}

frames! {
    /// What a server says.
    ServerFrame, ServerKind:
    Welcome(Welcome) = 64,
    LoggedIn(LoggedIn) = 65,
    Done(Done) = 66,
    Failed(Failed) = 67,
    Pong = 68,
    Sent(Sent) = 69,
    SendRefused(SendRefused) = 70,
    Deliver(Deliver) = 71,
    Covered(Covered) = 72,
    CatchUp(CatchUp) = 73,
    HistoryPage(HistoryPage) = 74,
    ConversationPage(ConversationPage) = 75,
    GroupCreated(GroupCreated) = 76,
    Groups(Groups) = 77,
    GroupMembers(GroupMembers) = 78,
    UserProfile(UserProfile) = 79,
    TagList(TagList) = 80,
    AliasValue(AliasValue) = 81,
    PushDeliver(PushDeliver) = 82,
    PushCovered(PushCovered) = 83,
    GoAway(GoAway) = 84,
    Unsupported(Unsupported) = 85,
    RoomDeliver(RoomDeliver) = 86,
    RoomRecords(RoomRecords) = 87,
    MarksMoved(MarksMoved) = 88,
    Receipts(Receipts) = 89,
    Readers(Readers) = 90,
    UnreadCounts(UnreadCounts) = 91,
    PushWithdrawn(PushWithdrawn) = 96,
    CommandCame(CommandCame) = 97,
    GroupProfile(GroupProfile) = 1024,
    GroupPage(GroupPage) = 1025,
    GroupStandings(GroupStandings) = 1026,
    GroupSilences(GroupSilences) = 1027,
    GroupBans(GroupBans) = 1028,
    GroupAnnouncements(GroupAnnouncements) = 1029,
    GroupJoins(GroupJoins) = 1030,
    GroupAnnounced(GroupAnnounced) = 1031,
    Rooms(Rooms) = 1056,
    RoomUsers(RoomUsers) = 1057,
    RoomEvent(RoomEvent) = 1058,
    RoomChanged(RoomChanged) = 1059,
    MediaTicket(MediaTicket) = 1104,
    MediaLocation(MediaLocation) = 1105,
    People(People) = 1120,
    OwnDevices(OwnDevices) = 1136,
    ProfileChanged(ProfileChanged) = 1137,
}

impl ClientFrame {
    /// Does this frame, which is not decoded yet, ask for history? A server takes several of these together.
    pub fn is_history(frame: &[u8]) -> bool {
        matches!(varint::read(frame), varint::Read::Value(number, _) if number == ClientKind::History.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_type_number_is_given_twice_and_each_side_keeps_to_its_range() {
        let clients: alloc::vec::Vec<u64> = ClientFrame::TYPES.iter().map(|(number, _)| *number).collect();
        let servers: alloc::vec::Vec<u64> = ServerFrame::TYPES.iter().map(|(number, _)| *number).collect();
        assert!(
            clients.windows(2).all(|pair| pair[0] < pair[1])
                && clients.iter().all(|number| (1..64).contains(number) || (128..1024).contains(number))
        );
        assert!(servers.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(servers.iter().all(|number| (64..128).contains(number) || (1024..2048).contains(number)));
    }
}
