//! `anserd ca`

use std::path::PathBuf;

use clap::Args;
use data_encoding::{BASE64, HEXLOWER};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{Failure, print_json, settings};
use crate::config::Flags;

#[derive(Debug, Args)]
pub struct CaArgs {
    /// The data folder of the daemon
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The settings file that names the data folder [default: /etc/anser/anserd.toml, if it exists]
    #[arg(long, value_name = "FILE", env = "ANSER_CONFIG")]
    config: Option<PathBuf>,
    /// Answers in JSON
    #[arg(long)]
    json: bool,
}

/// Reads files only: no daemon need run.
pub fn run(args: &CaArgs) -> Result<(), Failure> {
    let flags = Flags { config: args.config.clone(), data_dir: args.data_dir.clone(), ..Flags::default() };
    let settings = settings(&flags)?;
    let path = match &settings.tls.own {
        Some(own) => own.certificate.clone(),
        None => settings.data_dir.join("ca.pem"),
    };
    let pem = std::fs::read(&path).map_err(|error| {
        let hint = match settings.tls.own {
            Some(_) => "it is named by tls.certificate",
            None => "the first start makes it; --data-dir names another folder",
        };
        Failure::new(format!("anserd: {} cannot be read: {error}; {hint}", path.display()))
    })?;
    // Of a chain the last is what stays when the others are renewed.
    let last = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).last();
    let fingerprint = last
        .as_ref()
        .and_then(|der| fingerprint(der))
        .ok_or_else(|| Failure::lasting(format!("anserd: {} holds no certificate in PEM form", path.display())))?;
    let pem = String::from_utf8_lossy(&pem);
    let base64 = BASE64.encode(&fingerprint);
    if args.json {
        print_json(&json!({
            "file": path, "pem": pem, "sha256_spki": HEXLOWER.encode(&fingerprint), "pin": format!("sha256/{base64}"),
        }));
    } else {
        print!("{pem}");
        println!("sha256 of its public key  {}", HEXLOWER.encode(&fingerprint));
        println!("to pin                    sha256/{base64}");
    }
    if settings.tls.acme.is_some() {
        eprintln!(
            "anserd: with tls.acme_directory clients trust the public authorities; this one only bridges the time before"
        );
    }
    Ok(())
}

/// SHA-256 of the public key with its algorithm (SubjectPublicKeyInfo), which stays when a certificate is made anew for the
/// same key.
fn fingerprint(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(ring::digest::digest(&ring::digest::SHA256, parsed.public_key().raw).as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_is_of_the_key_and_not_of_the_certificate() {
        let key = rcgen::KeyPair::generate().expect("made");
        let made = |name: &str| {
            let params = rcgen::CertificateParams::new(vec![name.to_owned()]).expect("a name");
            params.self_signed(&key).expect("made").der().clone()
        };
        let (one, other) = (made("one.example"), made("other.example"));
        assert_ne!(one, other);
        assert_eq!(fingerprint(&one), fingerprint(&other));
        let digest = ring::digest::digest(&ring::digest::SHA256, &rcgen::PublicKeyData::subject_public_key_info(&key));
        assert_eq!(fingerprint(&one).as_deref(), Some(digest.as_ref()));
    }
}
