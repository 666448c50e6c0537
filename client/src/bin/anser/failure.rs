//! Why a command failed, for the person who gave it.

use std::process::ExitCode;

use anser_client::code::PushCode;
use anser_client::session::{LinkEnd, RequestError};
use anser_client::shell::{DialerError, LoginError, ReadError, SendFailed, Unreachable};
use anser_client::store::StoreError;
use anser_protocol::error::ErrorCode;

/// What is wrong and what to do.
#[derive(Debug)]
pub struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 1 }
    }

    /// The command line is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 2 }
    }

    pub fn exit(self) -> ExitCode {
        eprintln!("anser: {}", self.message);
        ExitCode::from(self.code)
    }

    pub fn login(user: &str, error: LoginError) -> Self {
        Self::new(match error {
            LoginError::Refused { code: ErrorCode::PASSWORD_WRONG, .. } => {
                format!("wrong password for the user \"{user}\"")
            }
            LoginError::Refused { code: ErrorCode::USER_UNKNOWN, .. } => {
                format!("there is no user \"{user}\" in this app; make one with: anser register {user}")
            }
            other => format!("cannot log in \"{user}\": {other}"),
        })
    }

    /// A link that ended in a way that trying again does not mend.
    pub fn of_link_end(reason: &LinkEnd) -> Option<Self> {
        match reason {
            LinkEnd::Refused { code: ErrorCode::APP_KEY, .. } => Some(Self::new(
                "the server does not know this app key; check --app-key or ANSER_APP_KEY against \"anserd app list\"",
            )),
            LinkEnd::Refused { code: ErrorCode::VERSION, .. } => {
                Some(Self::new("the server speaks another version of the protocol; update the older of the two"))
            }
            LinkEnd::Copied => Some(Self::new(
                "another process has a copy of this device's state folder, and the two push each other out\n\
                 Stop one of them. A copy becomes a device of its own when its state folder is emptied.",
            )),
            _ => None,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Unreachable> for Failure {
    fn from(unreachable: Unreachable) -> Self {
        Self::new(format!("{unreachable}\n{}", what_to_do(&unreachable)))
    }
}

fn what_to_do(unreachable: &Unreachable) -> &'static str {
    let says = |what| unreachable.failures.iter().any(|failure| failure.reason.contains(what));
    if says("not valid yet") || says("certificate expired") {
        "By this machine's clock the server's certificate is not valid now. Is the clock right? If it is, the certificate \
         must be renewed on the server."
    } else if says("not valid for name") {
        "The certificate does not name the address in --server (or ANSER_SERVER): use one that it names, or add the address \
         on the server with the setting tls.names."
    } else if unreachable.is_certificate() {
        "The server's certificate is not trusted. Name the file of the authority that signed it with --ca FILE (a server \
         with a self-made certificate keeps it as ca.pem in its data folder)."
    } else if says("cannot be looked up") {
        "Is the name in --server (or ANSER_SERVER) right, and is there a network?"
    } else {
        "Is the server running, and is --server (or ANSER_SERVER) its address?"
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let hint = match &error {
            StoreError::InUse { .. } => "\nStop that process, or give another --state-dir to be another device.",
            _ => "",
        };
        Self::new(format!("{error}{hint}"))
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Refused(error) => error.into(),
            ReadError::Store(error) => error.into(),
        }
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<PushCode> for Failure {
    fn from(code: PushCode) -> Self {
        let hint = match code {
            PushCode::Stopped => "\nHave pushes again with: anser resume",
            _ => "",
        };
        Self::new(format!("{code}{hint}"))
    }
}

impl From<SendFailed> for Failure {
    fn from(error: SendFailed) -> Self {
        Self::new(format!("not sent: {error}"))
    }
}

impl From<DialerError> for Failure {
    fn from(error: DialerError) -> Self {
        Self::usage(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use anser_client::session::Transport;
    use anser_client::shell;

    use super::*;

    fn advice(reason: rustls::CertificateError) -> &'static str {
        let reason = rustls::Error::InvalidCertificate(reason).to_string();
        let failure = shell::Failure { transport: Transport::Tcp, address: "192.0.2.1:8443".to_owned(), reason };
        what_to_do(&Unreachable { server: "example.com:8443".to_owned(), failures: vec![failure] })
    }

    #[test]
    fn each_fault_of_a_certificate_has_its_own_remedy() {
        use rustls::CertificateError as E;
        use rustls::pki_types::{ServerName, UnixTime};
        let (now, bound) = (UnixTime::since_unix_epoch, std::time::Duration::from_secs);
        assert!(advice(E::UnknownIssuer).contains("--ca"));
        let early = E::NotValidYetContext { time: now(bound(5)), not_before: now(bound(9)) };
        assert!(advice(early).contains("clock"));
        let late = E::ExpiredContext { time: now(bound(9)), not_after: now(bound(5)) };
        assert!(advice(late).contains("clock"));
        let expected = ServerName::try_from("example.com").expect("a name");
        assert!(advice(E::NotValidForNameContext { expected, presented: vec![] }).contains("tls.names"));
    }
}
