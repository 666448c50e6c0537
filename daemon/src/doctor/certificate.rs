//! The certificate: readable, of this key, valid now and for a while, and for the names by which the daemon is called.

use std::net::IpAddr;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::extensions::GeneralName;

use anser_protocol::ids::TimeMs;

use super::{Finding, Surroundings};
use crate::bridge::Url;
use crate::clock::Written;
use crate::config::{Config, TimeZone};
use crate::tls::Certificates;

const CHECK: &str = "certificate";
const DAY_MS: TimeMs = 86_400_000;
/// Renewal is automatic elsewhere with a month to go.
const DAYS_WISHED: TimeMs = 20;

pub fn check(config: &Config, around: &Surroundings) -> Vec<Finding> {
    let Some(own) = &config.tls.own else { return vec![self_made(config, around)] };
    // Also whether the key belongs to it.
    if let Err(error) = Certificates::open(&config.tls, &config.data_dir) {
        return vec![Finding::fail(CHECK, error.to_string(), "correct tls.certificate and tls.key")];
    }
    let pem = std::fs::read(&own.certificate).unwrap_or_default();
    let shown = own.certificate.display().to_string();
    match described(&pem) {
        Err(why) => {
            vec![Finding::fail(CHECK, format!("{shown} cannot be read: {why}"), "bring a certificate in PEM form")]
        }
        Ok(described) => {
            let mut findings = judge(&shown, &described, around.now_ms);
            findings.extend(missing_names(&shown, &described, &wanted_names(config)));
            if findings.is_empty() {
                findings.push(fine(&shown, &described));
            }
            findings
        }
    }
}

/// The server's certificate is made anew by the daemon; what clients trust stays.
fn self_made(config: &Config, around: &Surroundings) -> Finding {
    let path = config.data_dir.join("ca.pem");
    let Ok(pem) = std::fs::read(&path) else {
        return Finding::ok(CHECK, "self-made; its authority is made at the first start");
    };
    let shown = path.display().to_string();
    match described(&pem) {
        Err(why) => Finding::fail(
            CHECK,
            format!("{shown} cannot be read: {why}"),
            "bring it back from a backup: clients trust this one and no other",
        ),
        Ok(described) => judge(&shown, &described, around.now_ms).pop().unwrap_or_else(|| fine(&shown, &described)),
    }
}

struct Described {
    from_ms: TimeMs,
    until_ms: TimeMs,
    names: Vec<String>,
}

fn described(pem: &[u8]) -> Result<Described, String> {
    let first = CertificateDer::pem_slice_iter(pem).next().ok_or("no certificate in PEM form is in it")?;
    let der = first.map_err(|error| error.to_string())?;
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).map_err(|error| error.to_string())?;
    let ms = |seconds: i64| u64::try_from(seconds).unwrap_or_default().saturating_mul(1000);
    let validity = certificate.validity();
    let mut names = Vec::new();
    if let Ok(Some(alternative)) = certificate.subject_alternative_name() {
        for name in &alternative.value.general_names {
            match name {
                GeneralName::DNSName(name) => names.push(name.to_ascii_lowercase()),
                GeneralName::IPAddress(bytes) => names.extend(address(bytes)),
                _ => {}
            }
        }
    }
    Ok(Described { from_ms: ms(validity.not_before.timestamp()), until_ms: ms(validity.not_after.timestamp()), names })
}

fn address(bytes: &[u8]) -> Option<String> {
    let ip = match bytes.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?),
        16 => IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?),
        _ => return None,
    };
    Some(ip.to_string())
}

fn judge(shown: &str, described: &Described, now_ms: TimeMs) -> Vec<Finding> {
    let until = Written(described.until_ms, TimeZone::UTC);
    let cure = "renew it; the daemon reads its files again every day and when it starts";
    if described.until_ms <= now_ms {
        return vec![Finding::fail(CHECK, format!("{shown} ended at {until} UTC: no device connects"), cure)];
    }
    if described.from_ms > now_ms {
        let from = Written(described.from_ms, TimeZone::UTC);
        return vec![Finding::fail(
            CHECK,
            format!("{shown} begins at {from} UTC only"),
            "look at the clock, or bring the right certificate",
        )];
    }
    let days = (described.until_ms - now_ms) / DAY_MS;
    if days < DAYS_WISHED {
        return vec![Finding::warn(CHECK, format!("{shown} ends in {days} days, at {until} UTC"), cure)];
    }
    Vec::new()
}

/// By which devices and app servers call it, as far as the settings say.
fn wanted_names(config: &Config) -> Vec<String> {
    let origins = config.media.origin.iter().chain(&config.push.image_origin);
    let mut names = config.tls.names.clone();
    names.extend(origins.filter_map(|origin| Url::parse(origin)).map(|url| url.origin.host));
    names.sort();
    names.dedup();
    names
}

fn missing_names(shown: &str, described: &Described, wanted: &[String]) -> Option<Finding> {
    let missing: Vec<&str> =
        wanted.iter().map(String::as_str).filter(|name| !described.names.iter().any(|has| covers(has, name))).collect();
    (!missing.is_empty()).then(|| {
        let text = format!("{shown} is not for {}: callers by that name refuse it", missing.join(", "));
        Finding::fail(
            CHECK,
            text,
            "ask for a certificate with these names as well, or correct tls.names and the origins",
        )
    })
}

/// A star stands for one label.
fn covers(has: &str, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    has == name
        || has.strip_prefix("*.").is_some_and(|rest| name.split_once('.').is_some_and(|(_, behind)| behind == rest))
}

fn fine(shown: &str, described: &Described) -> Finding {
    let until = Written(described.until_ms, TimeZone::UTC);
    let names =
        if described.names.is_empty() { String::new() } else { format!(", for {}", described.names.join(", ")) };
    Finding::ok(CHECK, format!("{shown} is good until {until} UTC{names}"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{config, the_trouble, troubles, well};
    use super::*;

    const NOON: TimeMs = 1_700_000_000_000;

    fn described_for(until_ms: TimeMs) -> Described {
        Described {
            from_ms: NOON - DAY_MS,
            until_ms,
            names: vec!["push.example.com".to_owned(), "*.example.org".to_owned()],
        }
    }

    #[test]
    fn a_certificate_that_ended_ends_soon_or_has_not_begun_is_told() {
        the_trouble(&judge("a.pem", &described_for(NOON - 1), NOON), &["Fail", "a.pem ended at 2023-11-14 22:13:19"]);
        the_trouble(&judge("a.pem", &described_for(NOON + 3 * DAY_MS), NOON), &["Warn", "ends in 3 days", "renew"]);
        the_trouble(&judge("a.pem", &described_for(NOON + 90 * DAY_MS), NOON - 2 * DAY_MS), &["Fail", "begins at"]);
        assert!(judge("a.pem", &described_for(NOON + 90 * DAY_MS), NOON).is_empty());
    }

    #[test]
    fn names_that_it_is_not_for_fail_and_a_star_covers_one_label() {
        let described = described_for(NOON + 90 * DAY_MS);
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(missing_names("a.pem", &described, &names(&["push.example.com", "a.example.org"])).is_none());
        let missing = missing_names("a.pem", &described, &names(&["a.b.example.org", "other.example.com"]));
        the_trouble(&[missing.expect("two are missing")], &["Fail", "a.b.example.org, other.example.com"]);
    }

    #[test]
    fn files_that_cannot_be_used_fail_and_a_self_made_one_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let pem = folder.path().join("own.pem");
        std::fs::write(&pem, "rubbish").expect("written");
        let own = format!("[tls]\ncertificate = '{0}'\nkey = '{0}'\n", pem.display());
        the_trouble(&check(&config(folder.path(), &own), &well(folder.path())), &["Fail", "own.pem"]);

        let config = config(folder.path(), "");
        std::fs::create_dir(&config.data_dir).expect("made");
        Certificates::open(&config.tls, &config.data_dir).expect("made");
        let findings = check(&config, &well(folder.path()));
        assert_eq!(troubles(&findings), [""; 0]);
        assert!(findings[0].text.contains("ca.pem is good until"), "{findings:?}");
        let late = Surroundings { now_ms: crate::clock::now_ms() + 40 * 365 * DAY_MS, ..well(folder.path()) };
        the_trouble(&check(&config, &late), &["Fail", "ca.pem ended"]);
        std::fs::write(config.data_dir.join("ca.pem"), "rubbish").expect("written");
        the_trouble(&check(&config, &well(folder.path())), &["Fail", "backup"]);
    }
}
