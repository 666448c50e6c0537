//! The `Authorization: Basic` header.

use data_encoding::{BASE64, BASE64_NOPAD};

/// Longer ones than this carry nothing of ours: two keys of 24 characters fit many times.
const HEADER_BYTES_MAX: usize = 1024;

/// What stood in the header.
#[derive(Debug, PartialEq, Eq)]
pub enum Basic {
    /// No header, or an empty one, or another scheme.
    Absent,
    /// It says Basic, but there is no user and password in it.
    Malformed,
    Given {
        user: String,
        password: String,
    },
}

impl Basic {
    pub fn parse(header: Option<&[u8]>) -> Self {
        let Some(header) = header.map(<[u8]>::trim_ascii) else { return Self::Absent };
        let Some(encoded) = after_scheme(header) else { return Self::Absent };
        if header.len() > HEADER_BYTES_MAX {
            return Self::Malformed;
        }
        let decoded = BASE64.decode(encoded).or_else(|_| BASE64_NOPAD.decode(encoded)).ok();
        match decoded.and_then(|bytes| String::from_utf8(bytes).ok()) {
            Some(text) => match text.split_once(':') {
                Some((user, password)) => Self::Given { user: user.to_owned(), password: password.to_owned() },
                None => Self::Malformed,
            },
            None => Self::Malformed,
        }
    }
}

/// The scheme's name has no case.
fn after_scheme(header: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = header.split_at_checked(5)?;
    let credentials = rest.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"basic") && rest.len() > credentials.len() && !credentials.is_empty())
        .then_some(credentials)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn user_and_password_are_read_whatever_the_case_of_the_scheme() {
        let given = Basic::Given { user: "key".to_owned(), password: "se:cret".to_owned() };
        assert_eq!(Basic::parse(Some(b"Basic a2V5OnNlOmNyZXQ=")), given);
        assert_eq!(Basic::parse(Some(b"bASIC  a2V5OnNlOmNyZXQ ")), given);
    }

    #[test]
    fn what_is_not_basic_is_absent_and_what_is_broken_is_malformed() {
        for absent in
            [None, Some(b"".as_slice()), Some(b"Bearer abc"), Some(b"Basic"), Some(b"Basic "), Some(b"Basicabc")]
        {
            assert_eq!(Basic::parse(absent), Basic::Absent, "{absent:?}");
        }
        for malformed in [b"Basic ***".as_slice(), b"Basic a2V5", b"Basic /////w=="] {
            assert_eq!(Basic::parse(Some(malformed)), Basic::Malformed, "{malformed:?}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), prefix in any::<bool>()) {
            let header = if prefix { [b"Basic ".as_slice(), &bytes].concat() } else { bytes };
            Basic::parse(Some(&header));
        }

        #[test]
        fn every_pair_comes_back_as_it_was_given(user in "[^:]{0,40}", password in ".{0,40}") {
            let header = format!("Basic {}", BASE64.encode(format!("{user}:{password}").as_bytes()));
            prop_assert_eq!(Basic::parse(Some(header.as_bytes())), Basic::Given { user, password });
        }
    }
}
