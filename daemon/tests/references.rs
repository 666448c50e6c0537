//! The reference pages in `docs/` say what the code has.

mod reference;

#[test]
fn the_reference_pages_are_those_that_the_code_makes() {
    for (name, text) in reference::pages() {
        let there = std::fs::read_to_string(reference::folder("docs").join(name)).unwrap_or_default();
        assert!(there == text, "docs/{name} is not what the code makes: cargo run -p anserd --example references");
    }
}

#[test]
fn every_setting_and_every_call_is_on_its_page() {
    let [(_, settings), (_, calls)] = reference::pages();
    for key in anserd::config::KEYS {
        assert!(settings.contains(&format!("### {key}\n")), "{key} is not on the page of settings");
    }
    for route in anserd::rest::route::ROUTES {
        assert!(calls.contains(&format!("`{} {}`", route.method, route.path)), "{} is not on the page", route.path);
    }
}
