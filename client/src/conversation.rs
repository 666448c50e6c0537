//! What conversations and people are called where nothing else is known of them: rules that every application shares.

use anser_protocol::ids::RoomId;

/// Members whose names stand for a group that has none.
const NAMED_MEMBERS: usize = 5;

/// What is known of a user's names; what is not known is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Names<'n> {
    pub username: &'n str,
    pub nickname: &'n str,
    /// As the reader calls a friend.
    pub note_name: &'n str,
    /// In the group where it is shown.
    pub group_nickname: &'n str,
}

impl<'n> Names<'n> {
    /// In the group where it is shown, or anywhere.
    pub fn display(&self) -> &'n str {
        let names = [self.group_nickname, self.note_name, self.nickname];
        names.into_iter().find(|name| !name.is_empty()).unwrap_or(self.username)
    }

    /// Of a single chat with the user: a nickname, else the username.
    pub fn title(&self) -> &'n str {
        if self.nickname.is_empty() { self.username } else { self.nickname }
    }
}

/// Of a group: its name, else its first members.
pub fn group_title(name: &str, members: &[Names<'_>]) -> String {
    if !name.is_empty() {
        return name.to_owned();
    }
    let names: Vec<&str> = members.iter().take(NAMED_MEMBERS).map(Names::display).collect();
    names.join(", ")
}

/// Of a chat room: its name, else its number.
pub fn room_title(name: &str, room: RoomId) -> String {
    if name.is_empty() { room.0.to_string() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_shown() {
        let names = Names { username: "bob", nickname: "Bobby", note_name: "the gander", group_nickname: "leader" };
        assert_eq!(names.display(), "leader");
        assert_eq!(Names { group_nickname: "", ..names }.display(), "the gander");
        assert_eq!(Names { group_nickname: "", note_name: "", ..names }.display(), "Bobby");
        let bare = Names { username: "bob", ..Names::default() };
        assert_eq!((bare.display(), bare.title(), names.title()), ("bob", "bob", "Bobby"));
    }

    #[test]
    fn a_group_without_a_name_is_called_by_its_first_five_members() {
        let members: Vec<Names<'_>> =
            ["a", "b", "c", "d", "e", "f"].map(|username| Names { username, ..Names::default() }).into();
        assert_eq!(group_title("geese", &members), "geese");
        assert_eq!(group_title("", &members), "a, b, c, d, e");
        assert_eq!((room_title("hall", RoomId(7)), room_title("", RoomId(7))), ("hall".to_owned(), "7".to_owned()));
    }
}
