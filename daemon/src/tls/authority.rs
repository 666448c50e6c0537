//! The certificate authority that the daemon makes for itself when the operator has no certificate.
//!
//! On disk are its key (`ca.key`, never leaves the machine) and its certificate (`ca.pem`, for clients to trust). The
//! server's certificate is made anew at each start and again while it is still good for months, so nobody has to
//! remember to renew it, and new names hold after a restart.

use std::io;
use std::net::IpAddr;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::CertificateError;
use crate::clock::{Date, now_ms};
use crate::data_dir::{write_private, write_public};
use crate::keys::random;

/// Clients keep `ca.pem` for the life of the installation.
const AUTHORITY_YEARS: i32 = 30;
/// Apple's systems refuse server certificates longer than 398 days.
const SERVER_DAYS: i64 = 397;
/// Clocks of devices may be behind by this.
const BACKDATED_DAYS: i64 = 7;

pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
}

/// A server certificate with its key.
pub(super) struct Issued {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
}

impl Authority {
    /// Reads the authority of a data folder, or makes it.
    pub(super) fn open(data_dir: &Path) -> Result<Self, CertificateError> {
        let (key_path, certificate_path) = (data_dir.join("ca.key"), data_dir.join("ca.pem"));
        let key = match std::fs::read_to_string(&key_path) {
            Ok(pem) => KeyPair::from_pem(&pem)
                .map_err(|error| CertificateError::Broken { path: key_path, what: error.to_string() })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(CertificateError::Make)?;
                write_private(&key_path, key.serialize_pem().as_bytes())
                    .map_err(|source| CertificateError::Write { path: key_path, source })?;
                key
            }
            Err(source) => return Err(CertificateError::Read { path: key_path, source }),
        };
        let params = authority_params(&key);
        if !certificate_path.exists() {
            let certificate = params.self_signed(&key).map_err(CertificateError::Make)?;
            write_public(&certificate_path, certificate.pem().as_bytes())
                .map_err(|source| CertificateError::Write { path: certificate_path, source })?;
        }
        Ok(Self { issuer: Issuer::new(params, key) })
    }

    pub(super) fn issue(&self, names: &[String]) -> Result<Issued, CertificateError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(CertificateError::Make)?;
        let certificate = server_params(names).signed_by(&key, &self.issuer).map_err(CertificateError::Make)?;
        Ok(Issued { chain: vec![certificate.der().clone()], key: PrivatePkcs8KeyDer::from(key.serialize_der()).into() })
    }
}

/// Everything here follows from the key, so that the issuer is the same after every start.
fn authority_params(key: &KeyPair) -> CertificateParams {
    let mut params = CertificateParams::default();
    let digest = ring::digest::digest(&ring::digest::SHA256, key.public_key_raw());
    let mark = data_encoding::HEXLOWER.encode(&digest.as_ref()[..4]);
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, format!("Anser CA {mark}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let today = Date::of_ms(now_ms());
    params.not_before = rcgen::date_time_ymd(today.year - 1, today.month, 1);
    params.not_after = rcgen::date_time_ymd(today.year + AUTHORITY_YEARS, today.month, 1);
    params
}

fn server_params(names: &[String]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, "Anser");
    params.subject_alt_names = names.iter().filter_map(|name| alternative_name(name)).collect();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.serial_number = Some(rcgen::SerialNumber::from_slice(&positive(random::<16>())));
    let day_ms = 86_400_000;
    let date = |days: i64| {
        let date = Date::of_ms(now_ms().saturating_add_signed(days * day_ms));
        rcgen::date_time_ymd(date.year, date.month, date.day)
    };
    params.not_before = date(-BACKDATED_DAYS);
    params.not_after = date(SERVER_DAYS - BACKDATED_DAYS);
    params
}

/// RFC 5280 wants serial numbers positive and not zero.
fn positive(mut serial: [u8; 16]) -> [u8; 16] {
    serial[0] = (serial[0] & 0x7f) | 0x40;
    serial
}

fn alternative_name(name: &str) -> Option<SanType> {
    match name.parse::<IpAddr>() {
        Ok(address) => Some(SanType::IpAddress(address)),
        Err(_) => name.to_owned().try_into().ok().map(SanType::DnsName),
    }
}
