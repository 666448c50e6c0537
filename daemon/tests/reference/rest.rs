//! The calls of the REST APIs, from the table that the router is built from.

use std::collections::BTreeMap;
use std::fmt::Write;

use anserd::rest::route::{Family, ROUTES, Who};

const FAMILIES: [(Family, &str); 6] = [
    (Family::Push, "Push"),
    (Family::Device, "Devices, tags, aliases"),
    (Family::Schedule, "Schedules"),
    (Family::Report, "Reports"),
    (Family::Admin, "Apps of developers"),
    (Family::Im, "Users, groups, rooms, messages"),
];

pub fn page() -> String {
    let notes = notes();
    let mut page = String::from(
        "# Calls of the REST APIs\n\nMade from the table of routes by `cargo run -p anserd --example references`; change the table and \
         not this page.\n\nThe calls are those of JPush v3 and of JMessage v1 and v2, on the one port, over HTTPS. Bodies and \
         answers are JSON with `Content-Type: application/json` unless something else is said. Credentials go as `Authorization: Basic` \
         of two texts with a colon between them:\n\n",
    );
    for (who, what) in [
        (Who::App, "app key and master secret"),
        (Who::AppGroup, "`group-` and the key of the app group, and its secret"),
        (Who::Developer, "key and secret of a developer"),
    ] {
        let _ = writeln!(page, "- {}: {what}", name_of(who));
    }
    page.push_str(
        "\nWhat every call can meet has a code of its own in each part: what is told in words is for people, a program looks at \
         status and code.\n",
    );
    for (family, title) in FAMILIES {
        let _ = write!(page, "\n## {title}\n\n");
        page.push_str("| What every call can meet | Status | Code |\n|---|---|---|\n");
        for (what, fault) in [
            ("no credentials", family.no_credentials()),
            ("wrong credentials", family.wrong_credentials()),
            ("a field is wrong", family.invalid("")),
            ("the body is too large", family.too_large()),
            ("there is no such call", family.no_route()),
            ("not with this method", family.method_not_allowed()),
            ("overloaded, try again later", family.busy()),
            ("a fault of the daemon", family.internal()),
        ] {
            let _ = writeln!(page, "| {what} | {} | {} |", fault.status.as_u16(), fault.code);
        }
        page.push_str("\n| Call | Credentials | |\n|---|---|---|\n");
        for route in ROUTES.iter().filter(|route| route.family == family) {
            let note = notes.get(&shape(route.method, route.path)).map_or("", String::as_str);
            let _ = writeln!(page, "| `{} {}` | {} | {note} |", route.method, route.path, name_of(route.who));
        }
        if family == Family::Push {
            page.push_str(
                "\nTemplates and plans are made on the original service's own pages, and there are none here: the five calls about \
                 them answer 403 with `{\"code\":2007,\"message\":…}`.\n",
            );
        }
    }
    page
}

const fn name_of(who: Who) -> &'static str {
    match who {
        Who::App => "app",
        Who::AppGroup => "app group",
        Who::Either => "app or app group",
        Who::Developer => "developer",
        Who::AppOrDeveloper => "app or developer",
    }
}

/// What the lists of calls say beside them.
fn notes() -> BTreeMap<String, String> {
    let mut notes = BTreeMap::new();
    for list in ["push-endpoints.tsv", "im-endpoints.tsv"] {
        let path = super::folder("tests/contract").join(list);
        let text = std::fs::read_to_string(path).expect("the list is there");
        for line in text.lines().skip(1) {
            if let [method, path, .., note] = line.split('\t').collect::<Vec<_>>()[..] {
                notes.insert(shape(method, path), note.replace('|', "\\|"));
            }
        }
    }
    notes
}

/// Whatever the parameters are called.
fn shape(method: &str, path: &str) -> String {
    let segments = path.trim_end_matches('/').split('/').map(|one| if one.starts_with('{') { "{}" } else { one });
    format!("{method} {}", segments.collect::<Vec<_>>().join("/"))
}
