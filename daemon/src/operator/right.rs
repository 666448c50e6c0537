//! What operators may do: one table, asked by everything that serves them.

use anser_storage::command::{OperatorAccount, OperatorRole};
use anser_storage::ids::AppNumber;

/// Something that an operator may want to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Add and remove operators, reset their passwords.
    ManageOperators,
    /// Make and delete apps, app groups and developers.
    ManageApps,
    /// Change what concerns the whole daemon: settings, backups, links of all apps.
    ManageDaemon,
    /// How the daemon is: status, figures, damage.
    SeeDaemon,
    /// An app's name, figures, devices, users and groups; not what they say.
    SeeApp,
    /// An app's master secret and certificates.
    SeeSecrets,
    /// What an app may do and keeps: rates, addresses, words, retention, certificates.
    ChangeApp,
    /// Users, groups and rooms of an app; also their export and erasure.
    ManageUsers,
    /// What users say to each other.
    ReadMessages,
    /// Pushes, messages and schedules of an app.
    Send,
}

impl Right {
    pub const ALL: [Self; 10] = [
        Self::ManageOperators,
        Self::ManageApps,
        Self::ManageDaemon,
        Self::SeeDaemon,
        Self::SeeApp,
        Self::SeeSecrets,
        Self::ChangeApp,
        Self::ManageUsers,
        Self::ReadMessages,
        Self::Send,
    ];

    /// As the console's pages know it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ManageOperators => "manage_operators",
            Self::ManageApps => "manage_apps",
            Self::ManageDaemon => "manage_daemon",
            Self::SeeDaemon => "see_daemon",
            Self::SeeApp => "see_app",
            Self::SeeSecrets => "see_secrets",
            Self::ChangeApp => "change_app",
            Self::ManageUsers => "manage_users",
            Self::ReadMessages => "read_messages",
            Self::Send => "send",
        }
    }

    /// Has this role it, if in some apps only?
    pub fn is_of(self, role: OperatorRole) -> bool {
        self.roles().contains(&role)
    }

    /// Is it about one app? The others are about the daemon.
    pub fn is_of_app(self) -> bool {
        match self {
            Self::ManageOperators | Self::ManageApps | Self::ManageDaemon | Self::SeeDaemon => false,
            Self::SeeApp | Self::SeeSecrets | Self::ChangeApp | Self::ManageUsers | Self::ReadMessages | Self::Send => {
                true
            }
        }
    }

    /// Who has it, in the apps that are theirs.
    fn roles(self) -> &'static [OperatorRole] {
        use OperatorRole::{AppAdmin, Owner, ReadOnly, Sender};
        match self {
            Self::ManageOperators | Self::ManageApps | Self::ManageDaemon => &[Owner],
            Self::SeeDaemon => &[Owner, ReadOnly],
            Self::SeeApp => &[Owner, AppAdmin, Sender, ReadOnly],
            Self::SeeSecrets | Self::ChangeApp | Self::ManageUsers | Self::ReadMessages => &[Owner, AppAdmin],
            Self::Send => &[Owner, AppAdmin, Sender],
        }
    }
}

/// May the operator do this, to this app if it is about one?
pub fn may(account: &OperatorAccount, right: Right, app: Option<AppNumber>) -> bool {
    if !right.is_of(account.role) {
        return false;
    }
    match (right.is_of_app(), app) {
        (true, Some(app)) => has_app(account, app),
        (true, None) => false,
        // Whoever is confined to apps learns nothing of the others.
        (false, _) => account.role == OperatorRole::Owner || account.apps.is_empty(),
    }
}

/// An owner has all apps, as has a reader who is not confined to some.
fn has_app(account: &OperatorAccount, app: AppNumber) -> bool {
    match account.role {
        OperatorRole::Owner => true,
        OperatorRole::ReadOnly => account.apps.is_empty() || account.apps.contains(&app),
        OperatorRole::AppAdmin | OperatorRole::Sender => account.apps.contains(&app),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: AppNumber = AppNumber(1);
    const OTHER: AppNumber = AppNumber(2);

    fn account(role: OperatorRole, apps: &[AppNumber]) -> OperatorAccount {
        OperatorAccount { role, apps: apps.to_vec(), password: String::new() }
    }

    /// What an operator with the app `OWN` may do to it, or to the daemon.
    fn rights(role: OperatorRole) -> Vec<Right> {
        let account = account(role, &[OWN]);
        Right::ALL.into_iter().filter(|right| may(&account, *right, right.is_of_app().then_some(OWN))).collect()
    }

    #[test]
    fn each_role_may_do_exactly_this() {
        use Right::*;
        assert_eq!(rights(OperatorRole::Owner), Right::ALL);
        let admin = [SeeApp, SeeSecrets, ChangeApp, ManageUsers, ReadMessages, Send];
        assert_eq!(rights(OperatorRole::AppAdmin), admin);
        assert_eq!(rights(OperatorRole::Sender), [SeeApp, Send]);
        assert_eq!(rights(OperatorRole::ReadOnly), [SeeApp]);
        assert!(may(&account(OperatorRole::ReadOnly, &[]), SeeDaemon, None));
    }

    #[test]
    fn nobody_but_an_owner_and_an_unconfined_reader_reaches_another_app() {
        for role in OperatorRole::ALL {
            for right in Right::ALL.into_iter().filter(|right| right.is_of_app()) {
                let reaches = may(&account(role, &[OWN]), right, Some(OTHER));
                assert_eq!(reaches, role == OperatorRole::Owner, "{role:?} {right:?}");
            }
        }
        assert!(may(&account(OperatorRole::ReadOnly, &[]), Right::SeeApp, Some(OTHER)));
        for role in [OperatorRole::AppAdmin, OperatorRole::Sender] {
            assert!(!may(&account(role, &[]), Right::SeeApp, Some(OTHER)), "no app is no app");
        }
    }

    #[test]
    fn what_is_about_an_app_is_not_allowed_where_none_is_named() {
        assert!(!may(&account(OperatorRole::Owner, &[]), Right::Send, None));
    }
}
