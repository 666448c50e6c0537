//! Addresses of servers as settings and browsers write them.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use hyper::Uri;

/// Scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    pub is_tls: bool,
    /// A name in lower case, or an address without brackets.
    pub host: String,
    pub port: u16,
}

/// An origin and the path below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    pub origin: Origin,
    /// With the query; begins with a slash.
    pub path: String,
}

impl Url {
    /// An `https` address, or one of plain `http`. Nothing with a user name, nothing without a host.
    pub fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let is_tls = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority()?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if authority.as_str().contains('@') || host.is_empty() {
            return None;
        }
        let port = match authority.port() {
            Some(port) => port.as_str().parse().ok().filter(|port| *port != 0)?,
            // A colon and no number, or one that is too great.
            None if authority.as_str().len() != authority.host().len() => return None,
            None => {
                if is_tls {
                    443
                } else {
                    80
                }
            }
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Some(Self { origin: Origin { is_tls, host, port }, path })
    }

    /// One that passwords may travel to: TLS, or this machine by its spelling.
    pub fn is_loopback_or_tls(&self) -> bool {
        let origin = &self.origin;
        let is_loopback = origin.host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        origin.is_tls || origin.host == "localhost" || is_loopback
    }

    /// One that secrets may travel to: TLS, or a host that is on this machine or in a private network by its spelling.
    pub fn is_private_or_tls(&self) -> bool {
        let origin = &self.origin;
        origin.is_tls
            || origin.host == "localhost"
            || match origin.host.parse::<IpAddr>() {
                Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private(),
                Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local(),
                Err(_) => false,
            }
    }
}

impl Origin {
    /// Host and port, without the port that goes without saying.
    pub(super) fn authority(&self) -> String {
        let host = match self.host.parse::<Ipv6Addr>() {
            Ok(ip) => format!("[{ip}]"),
            Err(_) => self.host.clone(),
        };
        match (self.is_tls, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.is_tls { "https" } else { "http" }, self.authority())
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_is_taken_apart_and_written_again() {
        for (text, written) in [
            ("https://Push.Example.com/a?b=c", "https://push.example.com/a?b=c"),
            ("https://push.example.com:443", "https://push.example.com/"),
            ("https://[2001:DB8::1]:8443/x", "https://[2001:db8::1]:8443/x"),
            ("http://127.0.0.1:80/x", "http://127.0.0.1/x"),
        ] {
            assert_eq!(Url::parse(text).expect(text).to_string(), written);
        }
    }

    #[test]
    fn what_is_no_address_of_a_server_is_refused() {
        for text in [
            "",
            "push.example.com",
            "/path",
            "ftp://example.com/",
            "https://",
            "https://user@example.com/",
            "https://user:word@example.com/",
            "https://example.com:0/",
            "https://example.com:99999/",
            "https://a b/",
            "https://example.com:/",
            "file:///etc/passwd",
            "https://example.com\r\nX: y/",
        ] {
            assert_eq!(Url::parse(text), None, "{text}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_and_private_networks() {
        let private = |text: &str| Url::parse(text).expect(text).is_private_or_tls();
        assert!(private("https://sms.example.com/") && private("http://localhost:80/") && private("http://[::1]/"));
        assert!(private("http://10.1.2.3/") && !private("http://sms.example.com/") && !private("http://8.8.8.8/"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(https?://)?[\\[\\]:@/?#.a-z0-9%\\PC]{0,60}") {
            if let Some(url) = Url::parse(&text) {
                prop_assert_eq!(Url::parse(&url.to_string()), Some(url));
            }
        }
    }
}
