//! The holes of one user's chats: what a catch-up left out, until history pages have filled it.

use std::collections::BTreeMap;

use anser_protocol::ids::Position;
use anser_protocol::names::Chat;

use crate::store::Hole;

/// Beyond this the two newest holes of a chat become one: what lies between is asked for again.
pub(crate) const HOLES_PER_CHAT_MAX: usize = 8;

#[derive(Clone, Debug, Default)]
pub(crate) struct Holes {
    by_chat: BTreeMap<Chat, ChatHoles>,
}

#[derive(Clone, Debug, Default)]
struct ChatHoles {
    /// The newest position that is stored in the chat.
    newest: Position,
    /// Ascending; never empty.
    holes: Vec<Hole>,
}

impl Holes {
    pub(crate) fn load(holes: BTreeMap<Chat, Vec<Hole>>, newest: &BTreeMap<Chat, Position>) -> Self {
        let chats = holes.into_iter().filter(|(_, holes)| !holes.is_empty());
        let by_chat = chats.map(|(chat, holes)| {
            let newest = newest.get(&chat).copied().unwrap_or_default();
            (chat, ChatHoles { newest, holes })
        });
        Self { by_chat: by_chat.collect() }
    }

    pub(crate) fn most_of_a_chat(&self) -> usize {
        self.by_chat.values().map(|chat| chat.holes.len()).max().unwrap_or_default()
    }

    /// The chat's holes, for the store.
    pub(crate) fn of(&self, chat: &Chat) -> Vec<Hole> {
        self.by_chat.get(chat).map_or_else(Vec::new, |chat| chat.holes.clone())
    }

    /// A row of a catch-up that began at `after`. Holes at or above `after` come from an earlier try of the same
    /// catch-up and give way to what this row says. Answers whether the chat's holes changed.
    pub(crate) fn handle_row(&mut self, chat: &Chat, after: Position, hole: Option<Hole>) -> bool {
        let mut holes = self.of(chat);
        let before = holes.clone();
        holes.retain(|hole| hole.after < after);
        holes.extend(hole.filter(|hole| hole.after < hole.before));
        if holes.len() > HOLES_PER_CHAT_MAX {
            let newest = holes.pop().map(|hole| hole.before);
            if let (Some(last), Some(before)) = (holes.last_mut(), newest) {
                last.before = before;
            }
        }
        let has_changed = holes != before;
        self.set(chat, holes);
        has_changed
    }

    /// A record was stored.
    pub(crate) fn handle_record(&mut self, chat: &Chat, position: Position) {
        if let Some(chat) = self.by_chat.get_mut(chat) {
            chat.newest = chat.newest.max(position);
        }
    }

    /// A history page filled `hole` down to `oldest`; nothing there is left when it was the last page. Answers up to where
    /// the chat may now be handed out, if that changed.
    pub(crate) fn handle_page(&mut self, chat: &Chat, hole: Hole, oldest: Option<Position>) -> Option<Position> {
        let state = self.by_chat.get_mut(chat)?;
        let index = state.holes.iter().position(|known| *known == hole)?;
        match oldest {
            Some(oldest) if oldest > Position(hole.after.0 + 1) => state.holes[index].before = oldest,
            _ => {
                state.holes.remove(index);
            }
        }
        let newest = state.newest;
        let lowest = state.holes.first().map(|hole| hole.after);
        if lowest.is_none() {
            self.by_chat.remove(chat);
        }
        Some(lowest.unwrap_or(newest))
    }

    /// Up to where the chat may be handed out when `position` is the newest that is stored.
    pub(crate) fn limit(&self, chat: &Chat, position: Position) -> Position {
        let lowest = self.by_chat.get(chat).and_then(|chat| chat.holes.first());
        lowest.map_or(position, |hole| hole.after.min(position))
    }

    /// The holes to fill next: of the chats with the newest records the oldest one each, for that is what their reader
    /// waits for. Only holes below `cursor`: the others may still be replaced by the catch-up that is under way.
    pub(crate) fn next_to_fill(
        &self,
        cursor: Position,
        most: usize,
        is_free: impl Fn(&Chat) -> bool,
    ) -> Vec<(Chat, Hole)> {
        let chats = self.by_chat.iter();
        let ready = chats.filter_map(|(chat, state)| Some((chat, state.newest, *state.holes.first()?)));
        let mut ready: Vec<_> = ready.filter(|(chat, _, hole)| hole.after < cursor && is_free(chat)).collect();
        ready.sort_unstable_by_key(|(_, newest, _)| std::cmp::Reverse(*newest));
        ready.into_iter().take(most).map(|(chat, _, hole)| (chat.clone(), hole)).collect()
    }

    pub(crate) fn contains(&self, chat: &Chat, hole: Hole) -> bool {
        self.by_chat.get(chat).is_some_and(|state| state.holes.contains(&hole))
    }

    /// Only the planted fault asks for this.
    pub(crate) fn forget_all(&mut self) {
        self.by_chat.clear();
    }

    fn set(&mut self, chat: &Chat, holes: Vec<Hole>) {
        if holes.is_empty() {
            self.by_chat.remove(chat);
        } else {
            self.by_chat.entry(chat.clone()).or_default().holes = holes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hole(after: u64, before: u64) -> Hole {
        Hole { after: Position(after), before: Position(before) }
    }

    fn bob() -> Chat {
        Chat::User("bob".into())
    }

    fn with(chat: &Chat, holes: &[Hole], newest: u64) -> Holes {
        let mut all = Holes::default();
        all.set(chat, holes.to_vec());
        all.handle_record(chat, Position(newest));
        all
    }

    #[test]
    fn pages_fill_a_hole_from_its_upper_end_and_the_last_one_closes_it() {
        let mut holes = with(&bob(), &[hole(10, 90)], 95);
        assert_eq!(holes.handle_page(&bob(), hole(10, 90), Some(Position(50))), Some(Position(10)));
        assert_eq!(holes.of(&bob()), [hole(10, 50)]);
        assert_eq!(holes.handle_page(&bob(), hole(10, 50), None), Some(Position(95)));
        assert_eq!(holes.of(&bob()), []);
    }

    #[test]
    fn closing_the_lower_of_two_holes_frees_what_is_below_the_upper() {
        let mut holes = with(&bob(), &[hole(10, 20), hole(50, 90)], 95);
        assert_eq!(holes.handle_page(&bob(), hole(10, 20), None), Some(Position(50)));
    }

    #[test]
    fn a_repeated_catch_up_replaces_the_holes_of_its_first_try_and_no_others() {
        let mut holes = with(&bob(), &[hole(10, 20), hole(50, 90)], 95);
        assert!(holes.handle_row(&bob(), Position(50), Some(hole(50, 93))));
        assert_eq!(holes.of(&bob()), [hole(10, 20), hole(50, 93)]);
    }

    #[test]
    fn a_page_for_a_hole_that_was_replaced_is_not_counted() {
        let mut holes = with(&bob(), &[hole(50, 93)], 95);
        assert_eq!(holes.handle_page(&bob(), hole(50, 90), None), None);
        assert_eq!(holes.of(&bob()), [hole(50, 93)]);
    }

    #[test]
    fn the_chats_with_the_newest_records_are_filled_first_and_one_hole_of_each() {
        let mut holes = with(&bob(), &[hole(10, 20)], 25);
        holes.set(&Chat::User("carol".into()), vec![hole(10, 30), hole(40, 50)]);
        holes.handle_record(&Chat::User("carol".into()), Position(60));
        let carol = (Chat::User("carol".into()), hole(10, 30));
        assert_eq!(holes.next_to_fill(Position(100), 5, |_| true), [carol.clone(), (bob(), hole(10, 20))]);
        assert_eq!(holes.next_to_fill(Position(100), 1, |_| true), [carol]);
    }

    #[test]
    fn a_chat_of_which_a_page_is_on_its_way_waits() {
        let holes = with(&bob(), &[hole(10, 20)], 25);
        assert_eq!(holes.next_to_fill(Position(100), 5, |chat| *chat != bob()), []);
    }

    #[test]
    fn a_hole_of_the_catch_up_under_way_waits() {
        let holes = with(&bob(), &[hole(50, 90)], 95);
        assert!(holes.next_to_fill(Position(50), 1, |_| true).is_empty());
        assert_eq!(holes.next_to_fill(Position(51), 1, |_| true).len(), 1);
    }

    #[test]
    fn a_ninth_hole_joins_the_eighth() {
        let mut holes = Holes::default();
        for number in 0..9 {
            holes.handle_row(&bob(), Position(number * 10), Some(hole(number * 10, number * 10 + 5)));
        }
        assert_eq!(holes.of(&bob()).len(), 8);
        assert_eq!(holes.of(&bob()).last(), Some(&hole(70, 85)));
    }
}
