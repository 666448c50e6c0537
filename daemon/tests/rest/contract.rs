//! The list of endpoints that the contract names, beside the routes that are served and the tests that try them.

use std::collections::BTreeSet;
use std::path::Path;

use anserd::rest::route::ROUTES;

const PUSH: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/contract/push-endpoints.tsv"));
const IM: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/contract/im-endpoints.tsv"));
/// What the daemon calls, and not what it serves.
const OUTBOUND: &str = "{callback_url}";

/// What the contract lets a server without templates and plans refuse; a test of the push API looks at each.
pub const FLATLY_REFUSED: &[&str] = &[
    "POST /v3/push/template",
    "POST /v3/push/template/schedule",
    "POST /v3/push_plan/create",
    "PUT /v3/push_plan/update",
    "GET /v3/push_plan/list",
];

#[test]
fn every_endpoint_of_the_contract_is_served() {
    let missing: Vec<_> = endpoints().difference(&served()).cloned().collect();
    assert!(missing.is_empty(), "in the contract and not served: {missing:?}");
}

#[test]
fn every_served_endpoint_of_the_contract_is_covered_by_a_test() {
    let covered: BTreeSet<_> = covered().union(&texts(FLATLY_REFUSED)).cloned().collect();
    let bare: Vec<_> = endpoints().intersection(&served()).filter(|route| !covered.contains(*route)).cloned().collect();
    assert!(bare.is_empty(), "no test says `covers` of {bare:#?}");
}

#[test]
fn every_route_of_the_push_api_stands_in_the_contract() {
    let endpoints = listed(PUSH);
    let of_push = served().into_iter().filter(|route| route.contains(" /v3/") || route.contains(" /v1/app"));
    let strange: Vec<_> = of_push.filter(|route| !endpoints.contains(route)).collect();
    assert!(strange.is_empty(), "not in the contract: {strange:?}");
}

/// The route that serves a call, as the list writes it: of several that fit, the one with the fewest parameters.
pub fn route_of(method: &str, path: &str) -> Option<String> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let fitting = ROUTES.iter().filter(|route| route.method.eq_ignore_ascii_case(method) && fits(route.path, path));
    let route = fitting.min_by_key(|route| route.path.matches('{').count())?;
    Some(format!("{} {}", route.method, route.path))
}

fn fits(pattern: &str, path: &str) -> bool {
    let segments = |text: &str| text.split('/').filter(|it| !it.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (pattern, path) = (segments(pattern), segments(path));
    pattern.len() == path.len() && pattern.iter().zip(&path).all(|(it, given)| it.starts_with('{') || it == given)
}

fn endpoints() -> BTreeSet<String> {
    let mut im = listed(IM);
    im.retain(|endpoint| !endpoint.contains(OUTBOUND));
    listed(PUSH).union(&im).cloned().collect()
}

fn listed(endpoints: &str) -> BTreeSet<String> {
    let lines = endpoints.lines().skip(1).filter_map(|line| {
        let (method, rest) = line.split_once('\t')?;
        Some(format!("{method} {}", rest.split('\t').next()?))
    });
    lines.collect()
}

fn served() -> BTreeSet<String> {
    ROUTES.iter().map(|route| format!("{} {}", route.method, route.path)).collect()
}

/// What the tests say with `World::covers`, which holds each of them to it.
fn covered() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rest");
    let mut covered = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("the folder of this test") {
        let text = std::fs::read_to_string(entry.expect("readable").path()).expect("a text");
        for list in text.split(".covers(&[").skip(1) {
            let list = list.split(']').next().unwrap_or_default();
            covered.extend(list.split('"').skip(1).step_by(2).map(str::to_owned));
        }
    }
    covered
}

fn texts(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
