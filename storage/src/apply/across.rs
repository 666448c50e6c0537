//! Guests: made when they are first needed, and gone with the user or the app that they stand for.

use super::{Batch, Decided};
use crate::across;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, UserNumber};
use crate::key::{Key, u32_at};
use crate::row;
use crate::rows::across::{Guest, GuestNumber, guest_number_key, guest_numbers_prefix};
use crate::rows::app::{App, app_key};
use crate::rows::people::{Departed, UserState};
use crate::rows::relation::Tie;
use crate::rows::user::{User, user_key};
use crate::table::Table;
use crate::tables::Tables;

/// Another user as a name says, before anything is changed for them.
pub(super) struct Other {
    pub name: String,
    /// Nothing for a user of another app who was no guest here before.
    pub number: Option<UserNumber>,
    /// Of a user of another app: that app, and their number in it.
    pub home: Option<(AppNumber, UserNumber)>,
    pub is_admin: bool,
}

impl Other {
    pub fn is_tied_to(
        &self,
        tables: &impl Tables,
        app: AppNumber,
        user: UserNumber,
        tie: Tie,
    ) -> Result<bool, ReadError> {
        self.number.map_or(Ok(false), |number| find::is_tied(tables, app, user, tie, number.0))
    }

    /// Where their own lists are.
    pub fn at_home(&self, app: AppNumber) -> Option<(AppNumber, UserNumber)> {
        self.home.or(self.number.map(|number| (app, number)))
    }
}

impl Batch<'_> {
    /// A user of a living app, or of one that is linked with it.
    pub(super) fn other(&self, app: AppNumber, name: &str) -> Decided<Other> {
        self.require_app(app)?;
        if across::split_guest(name).is_none() {
            let (number, user) = self.named_person(app, name)?;
            return Ok(Other { name: name.into(), number: Some(number), home: None, is_admin: user.is_admin });
        }
        let (home, user) = across::linked_user(self, app, name)??;
        let row: User = find::required(self, user_key(home, user))?;
        let number = across::guest_number(self, (home, user), app)?;
        Ok(Other { name: name.into(), number, home: Some((home, user)), is_admin: row.is_admin })
    }

    pub(super) fn settle(&mut self, app: AppNumber, other: &Other) -> Result<UserNumber, ReadError> {
        match (other.number, other.home) {
            (Some(number), _) => Ok(number),
            (None, Some(home)) => self.guest_number(home, app),
            (None, None) => Err(find::missing(Table::Users, Key::app(app))),
        }
    }

    pub(super) fn settle_all(&mut self, app: AppNumber, others: &[Other]) -> Result<Vec<UserNumber>, ReadError> {
        others.iter().map(|other| self.settle(app, other)).collect()
    }

    /// The number of a user of `home` in another app.
    pub(super) fn guest_number(
        &mut self,
        (home, user): (AppNumber, UserNumber),
        there: AppNumber,
    ) -> Result<UserNumber, ReadError> {
        if let Some(number) = across::guest_number(self, (home, user), there)? {
            return Ok(number);
        }
        let mut counters = self.app_counters(there)?;
        let number = counters.user;
        counters.user.0 += 1;
        self.put_app_counters(there, counters)?;
        let app: App = find::required(self, app_key(home))?;
        let row: User = find::required(self, user_key(home, user))?;
        let guest = User {
            username: across::guest_name(&row.username, &app.app_key),
            // No password has this hash, and no login looks for a name with a slash.
            password: String::new(),
            is_admin: false,
            profile: Default::default(),
            created_ms: self.now_ms(),
            changed_ms: self.now_ms(),
        };
        self.put(&user_key(there, number), &guest)?;
        self.put(&user_key(there, number), &Guest { home, user })?;
        self.put(&guest_number_key(home, user, there), &GuestNumber(number))?;
        Ok(number)
    }

    /// The same user in another app: at home there, or a guest as here.
    pub(super) fn seen_from(
        &mut self,
        app: AppNumber,
        user: UserNumber,
        there: AppNumber,
    ) -> Result<UserNumber, ReadError> {
        match across::guest(self, app, user)? {
            Some(guest) if guest.home == there => Ok(guest.user),
            Some(guest) => self.guest_number((guest.home, guest.user), there),
            None => self.guest_number((app, user), there),
        }
    }

    /// Where a relation of these two stands as well, because the other is a guest here: the app, and the numbers of both.
    pub(super) fn other_side(
        &mut self,
        app: AppNumber,
        user: UserNumber,
        other: UserNumber,
    ) -> Result<Option<(AppNumber, UserNumber, UserNumber)>, ReadError> {
        let Some(Guest { home, user: at_home }) = across::guest(self, app, other)? else { return Ok(None) };
        Ok(match find::app(self, home)? {
            Some(_) => Some((home, self.guest_number((app, user), home)?, at_home)),
            None => None,
        })
    }

    /// A user is deleted: whatever stands for them in other apps goes as they do.
    pub(super) fn part_guests(&mut self, home: AppNumber, user: UserNumber) -> Result<(), ReadError> {
        let prefix = guest_numbers_prefix(home, user);
        for key in self.keys(Table::GuestNumbers, &prefix, usize::MAX)? {
            self.part_guest_of(&key)?;
        }
        Ok(())
    }

    /// A damaged row must not stand in the way; the guest then stays, and stands for nobody.
    fn part_guest_of(&mut self, key: &[u8]) -> Result<(), ReadError> {
        let row = self.value(Table::GuestNumbers, key, |value| row::decode::<GuestNumber>(key, value).ok())?.flatten();
        let (Some(GuestNumber(number)), Some(there)) = (row, u32_at(key, 8).map(AppNumber)) else { return Ok(()) };
        if find::app(self, there)?.is_some() && !find::is_deleted(self, there, number)? {
            self.put(&user_key(there, number), &UserState::Deleted)?;
            self.put(&user_key(there, number), &Departed)?;
        }
        Ok(())
    }

    /// The last that is left of a deleted user: under which numbers other apps knew them.
    pub(super) fn forget_guest_numbers(&mut self, home: AppNumber, user: UserNumber) -> Result<(), ReadError> {
        for key in self.keys(Table::GuestNumbers, &guest_numbers_prefix(home, user), usize::MAX)? {
            self.remove_bytes(Table::GuestNumbers, &key)?;
        }
        Ok(())
    }

    /// An app is deleted: its users are guests nowhere, and it has none. Returns how many rows went, at most `limit`.
    pub(super) fn part_app_guests(&mut self, app: AppNumber, limit: usize) -> Result<usize, ReadError> {
        let abroad = self.keys(Table::GuestNumbers, &Key::app(app), limit)?;
        for key in &abroad {
            self.part_guest_of(key)?;
            self.remove_bytes(Table::GuestNumbers, key)?;
        }
        let here = self.keys(Table::Guests, &Key::app(app), limit - abroad.len())?;
        for key in &here {
            let row = self.value(Table::Guests, key, |value| row::decode::<Guest>(key, value).ok())?;
            if let Some(guest) = row.flatten() {
                self.remove(Table::GuestNumbers, &guest_number_key(guest.home, guest.user, app))?;
            }
            self.remove_bytes(Table::Guests, key)?;
        }
        Ok(abroad.len() + here.len())
    }
}
