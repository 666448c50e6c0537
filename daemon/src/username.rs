//! Which names a user may have.

use anser_protocol::limits::USERNAME_BYTES_MAX;

/// Names start with a letter or digit; then letters, digits and `_ . - @`. The strict rule asks for at least 4 bytes, as
/// JMessage does; the lenient one also allows shorter names and `+`, so that numbers and e-mail addresses will do.
pub fn check(name: &str, is_strict: bool) -> Result<(), &'static str> {
    let shortest = if is_strict { 4 } else { 1 };
    if !(shortest..=USERNAME_BYTES_MAX).contains(&name.len()) {
        return Err(if is_strict { "a user name has 4 to 128 bytes" } else { "a user name has 1 to 128 bytes" });
    }
    if !name.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return Err("a user name starts with a letter or a digit");
    }
    let is_allowed =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '@') || (!is_strict && c == '+');
    match name.chars().all(is_allowed) {
        true => Ok(()),
        false => Err("a user name has letters, digits and _ . - @ only"),
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn numbers_and_e_mail_addresses_are_names_unless_the_rule_is_strict() {
        for name in ["7", "a.b+c@example.org", "alice01"] {
            assert_eq!(check(name, false), Ok(()));
        }
        assert!(check("7", true).is_err() && check("a.b+c@example.org", true).is_err());
        assert_eq!(check("alice01", true), Ok(()));
    }

    #[test]
    fn spaces_controls_and_leading_signs_are_refused() {
        for name in ["", "_alice", "a b", "a\nb", "鸿雁", &"x".repeat(129)] {
            assert!(check(name, false).is_err(), "{name:?}");
        }
    }
}
