//! Every call of the console's API, with the right that it wants: what is not in this table does not exist. The test of
//! roles walks it.

use std::pin::Pin;

use axum::http::Method;

use super::call::{Answered, Call};
use super::{
    accounts, apps, audit, certificates, devices, live, messages, operators, people, pushes, session, settings,
    statistics,
};
use crate::operator::right::Right;
use crate::rest::decoded;

type Answering = Pin<Box<dyn Future<Output = Answered> + Send>>;

/// What a caller needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Nobody,
    /// To be logged in.
    Session,
    /// About the daemon.
    Daemon(Right),
    /// About the app that is the first name of the path.
    App(Right),
}

/// One method of one path, below `/console/v1`.
pub struct Route {
    pub method: &'static str,
    pub path: &'static str,
    pub need: Need,
    /// What the audit log calls it; nothing for what only reads.
    pub action: Option<&'static str>,
    pub(super) handler: fn(Call) -> Answering,
}

macro_rules! routes {
    ($($method:literal $path:literal, $need:expr, $action:expr => $handler:path;)*) => {
        pub const ROUTES: &[Route] = &[$(Route {
            method: $method,
            path: $path,
            need: $need,
            action: $action,
            handler: |call| Box::pin($handler(call)),
        }),*];
    };
}

use Need::{App, Daemon, Nobody, Session};
use Right::{
    ChangeApp, ManageApps, ManageDaemon, ManageOperators, ManageUsers, ReadMessages, SeeApp, SeeDaemon, SeeSecrets,
    Send as MaySend,
};

routes! {
    "GET" "/state", Nobody, None => session::state;
    "POST" "/session", Nobody, Some("log_in") => session::log_in;
    "POST" "/set-up", Nobody, Some("set_up") => session::set_up;
    "GET" "/session", Session, None => session::show;
    "DELETE" "/session", Session, Some("log_out") => session::log_out;
    "PUT" "/session/password", Session, Some("password_change") => session::change_password;

    "GET" "/apps", Session, None => apps::list;
    "POST" "/apps", Daemon(ManageApps), Some("app_create") => apps::create;
    "GET" "/apps/{app_key}", App(SeeApp), None => apps::show;
    "PUT" "/apps/{app_key}", App(ChangeApp), Some("app_rename") => apps::rename;
    "DELETE" "/apps/{app_key}", App(SeeApp), Some("app_delete") => apps::delete;
    "GET" "/apps/{app_key}/secret", App(SeeSecrets), Some("secret_show") => apps::show_secret;
    "POST" "/apps/{app_key}/secret", App(ChangeApp), Some("secret_renew") => apps::renew_secret;
    "GET" "/apps/{app_key}/settings", App(SeeApp), None => settings::show;
    "PUT" "/apps/{app_key}/settings", App(ChangeApp), Some("app_settings") => settings::change;

    "GET" "/apps/{app_key}/push-certificates", App(SeeApp), None => certificates::list;
    "PUT" "/apps/{app_key}/push-certificates/{environment}", App(ChangeApp), Some("certificate_upload")
        => certificates::upload;
    "DELETE" "/apps/{app_key}/push-certificates/{environment}", App(ChangeApp), Some("certificate_remove")
        => certificates::remove;

    "GET" "/app-groups", Daemon(ManageApps), None => accounts::list_groups;
    "POST" "/app-groups", Daemon(ManageApps), Some("app_group_create") => accounts::create_group;
    "GET" "/app-groups/{group_key}", Daemon(ManageApps), Some("secret_show") => accounts::show_group;
    "DELETE" "/app-groups/{group_key}", Daemon(ManageApps), Some("app_group_delete") => accounts::delete_group;
    "PUT" "/app-groups/{group_key}/apps/{app_key}", Daemon(ManageApps), Some("app_group_add") => accounts::add_to_group;
    "DELETE" "/app-groups/{group_key}/apps/{app_key}", Daemon(ManageApps), Some("app_group_remove")
        => accounts::remove_from_group;
    "GET" "/developers", Daemon(ManageApps), None => accounts::list_developers;
    "POST" "/developers", Daemon(ManageApps), Some("developer_create") => accounts::create_developer;
    "DELETE" "/developers/{developer_key}", Daemon(ManageApps), Some("developer_delete") => accounts::delete_developer;

    "GET" "/operators", Daemon(ManageOperators), None => operators::list;
    "POST" "/operators", Daemon(ManageOperators), Some("operator_add") => operators::add;
    "PUT" "/operators/{name}", Daemon(ManageOperators), Some("operator_change") => operators::change;
    "PUT" "/operators/{name}/password", Daemon(ManageOperators), Some("operator_reset") => operators::reset;
    "DELETE" "/operators/{name}", Daemon(ManageOperators), Some("operator_remove") => operators::remove;
    "GET" "/audit", Session, None => audit::list;

    "GET" "/server", Daemon(SeeDaemon), None => live::status;
    "POST" "/server/reload", Daemon(ManageDaemon), Some("reload") => live::reload;
    "POST" "/server/scrub", Daemon(ManageDaemon), Some("scrub") => live::scrub;
    "GET" "/server/log-levels", Daemon(SeeDaemon), None => live::log_levels;
    "PUT" "/server/log-levels", Daemon(ManageDaemon), Some("log_level") => live::change_log_level;
    "GET" "/links", Daemon(SeeDaemon), None => live::links;
    "POST" "/links/kick", Daemon(ManageDaemon), Some("kick") => live::kick;
    "GET" "/apps/{app_key}/links", App(SeeApp), None => live::links;
    "POST" "/apps/{app_key}/links/kick", App(ManageUsers), Some("kick") => live::kick;
    "GET" "/apps/{app_key}/trace/{msg_id}", App(SeeApp), None => live::trace;
    "GET" "/apps/{app_key}/callbacks", App(SeeApp), None => live::callbacks;
    "POST" "/apps/{app_key}/callbacks/test", App(ChangeApp), Some("callback_test") => live::try_callbacks;

    "GET" "/apps/{app_key}/devices", App(SeeApp), None => devices::list;
    "GET" "/apps/{app_key}/devices/{registration_id}", App(SeeApp), None => devices::show;
    "GET" "/apps/{app_key}/tags", App(SeeApp), None => devices::tags;
    "GET" "/apps/{app_key}/users", App(SeeApp), None => people::users;
    "GET" "/apps/{app_key}/users/{username}", App(SeeApp), None => people::user;
    "GET" "/apps/{app_key}/users/{username}/export", App(ManageUsers), Some("user_export") => people::export;
    "POST" "/apps/{app_key}/users/{username}/erase", App(ManageUsers), Some("user_erase") => people::erase;
    "GET" "/apps/{app_key}/groups", App(SeeApp), None => people::groups;
    "GET" "/apps/{app_key}/groups/{gid}", App(SeeApp), None => people::group;
    "GET" "/apps/{app_key}/rooms", App(SeeApp), None => people::rooms;
    "GET" "/apps/{app_key}/rooms/{room_id}", App(SeeApp), None => people::room;
    "GET" "/apps/{app_key}/messages", App(ReadMessages), None => messages::search;

    "GET" "/apps/{app_key}/pushes", App(SeeApp), None => pushes::list;
    "GET" "/apps/{app_key}/pushes/{msg_id}", App(SeeApp), None => pushes::show;
    "POST" "/apps/{app_key}/pushes/estimate", App(MaySend), None => pushes::estimate;
    "GET" "/apps/{app_key}/segments", App(SeeApp), None => pushes::segments;
    "POST" "/apps/{app_key}/segments", App(ChangeApp), Some("segment_create") => pushes::create_segment;
    "GET" "/apps/{app_key}/segments/{segment}", App(SeeApp), None => pushes::segment;
    "DELETE" "/apps/{app_key}/segments/{segment}", App(ChangeApp), Some("segment_delete") => pushes::delete_segment;
    "GET" "/apps/{app_key}/statistics", App(SeeApp), None => statistics::show;
    "GET" "/apps/{app_key}/report.csv", App(SeeApp), None => statistics::report;
}

/// What a path leads to.
pub enum Found {
    /// With what its braces stand for.
    Route(&'static Route, Vec<String>),
    OtherMethod,
    Nothing,
}

/// The call that is asked for. Paths of letters go before those with braces.
pub fn find(method: &Method, path: &str) -> Found {
    let mut has_path = false;
    let matching = ROUTES.iter().filter_map(|route| Some((route, names(route.path, path)?)));
    let mut best: Option<(&'static Route, Vec<String>)> = None;
    for (route, names) in matching {
        has_path = true;
        if route.method == method.as_str() && best.as_ref().is_none_or(|(_, known)| names.len() < known.len()) {
            best = Some((route, names));
        }
    }
    match best {
        Some((route, names)) => Found::Route(route, names),
        None if has_path => Found::OtherMethod,
        None => Found::Nothing,
    }
}

/// What the braces of a pattern stand for in a path; nothing when it is another path.
fn names(pattern: &str, path: &str) -> Option<Vec<String>> {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    let mut names = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(names),
            (Some(pattern), Some(segment)) if pattern.starts_with('{') => {
                // A plus is a plus in a path.
                let name = decoded(&segment.replace('+', "%2B"))?.into_owned();
                if name.is_empty() {
                    return None;
                }
                names.push(name);
            }
            (Some(pattern), Some(segment)) if pattern == segment => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_path_leads_to_the_route_that_says_it_most_exactly() {
        let found = |method: Method, path: &str| match find(&method, path) {
            Found::Route(route, names) => format!("{} {names:?}", route.path),
            Found::OtherMethod => "other method".to_owned(),
            Found::Nothing => "nothing".to_owned(),
        };
        assert_eq!(found(Method::GET, "/apps"), "/apps []");
        assert_eq!(found(Method::GET, "/apps/k/settings"), "/apps/{app_key}/settings [\"k\"]");
        assert_eq!(found(Method::DELETE, "/operators/a%40b+c"), "/operators/{name} [\"a@b+c\"]");
        assert_eq!(found(Method::PATCH, "/apps"), "other method");
        for nothing in ["", "/", "/apps/", "/apps//settings", "/nowhere", "/apps/k/settings/x", "/operators/%ff"] {
            assert_eq!(found(Method::GET, nothing), "nothing", "{nothing}");
        }
    }

    #[test]
    fn every_route_is_there_once_and_what_changes_something_is_written_down() {
        let mut known = BTreeSet::new();
        for route in ROUTES {
            assert!(known.insert((route.method, route.path)), "{} {} is there twice", route.method, route.path);
            let is_question = route.path.ends_with("/estimate");
            let is_noted = route.action.is_some();
            assert!(route.method == "GET" || is_question || is_noted, "{} {}", route.method, route.path);
            let is_of_app = route.path.starts_with("/apps/{app_key}");
            assert_eq!(is_of_app, matches!(route.need, Need::App(_)), "{} {}", route.method, route.path);
            if let Need::App(right) | Need::Daemon(right) = route.need {
                assert_eq!(right.is_of_app(), is_of_app, "{} {}", route.method, route.path);
            }
        }
    }
}
