//! A client for one command: opened, logged in, and watched for what cannot be mended by waiting.

use std::time::Duration;

use anser_client::session::{self, Answer, Request, RequestError};
use anser_client::shell::{Client, Event, Events, LoginError, Options, Records};

use crate::failure::Failure;
use crate::options::{Global, ask_password};
use crate::state;

/// A command that asks one thing gives up after this time.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Connection {
    pub client: Client,
    pub events: Events,
    seen: Vec<Event>,
    /// Why the server has not done yet what it was asked for.
    put_off: Option<String>,
}

impl Connection {
    /// For a command that asks one thing and leaves what arrives in the store.
    pub fn to_ask(global: &Global, user: Option<&str>) -> Result<Self, Failure> {
        Self::open(global, user, Records::Keep)
    }

    /// For a command that shows what arrives.
    pub fn to_listen(global: &Global, user: Option<&str>) -> Result<Self, Failure> {
        Self::open(global, user, Records::HandOut)
    }

    fn open(global: &Global, user: Option<&str>, records: Records) -> Result<Self, Failure> {
        let former_registration_id = global.former_registration_id()?;
        let (platform, traits) = (global.platform, global.traits()?);
        let options = Options { records, platform, traits, former_registration_id, ..Options::new(global.app_key()?) };
        let dialer = global.dialer()?;
        let (client, events) = Client::start(options, dialer, Box::new(state::open(global, user)?))?;
        Ok(Self { client, events, seen: Vec::new(), put_off: None })
    }

    /// Logs the user in, asking for the password if it is needed.
    pub async fn log_in(&mut self, global: &Global, user: &str) -> Result<(), Failure> {
        let client = self.client.clone();
        if let Some(token) = &global.signed_token {
            let result = self.watched(client.login_signed(user, token)).await?;
            return result.map_err(|error| Failure::login(user, error));
        }
        match self.watched(client.login(user, global.password.as_deref())).await? {
            Err(LoginError::PasswordNeeded) => {
                let question = format!("Password of {user}: ");
                let asked = tokio::task::spawn_blocking(move || ask_password(&question)).await;
                let password = asked.unwrap_or_else(|_| Err(Failure::new("cannot read the password")))?;
                let again = self.watched(client.login(user, Some(&password))).await?;
                again.map_err(|error| Failure::login(user, error))
            }
            result => result.map_err(|error| Failure::login(user, error)),
        }
    }

    /// Asks the server one thing.
    pub async fn ask(&mut self, request: Request) -> Result<Answer, RequestFailed> {
        let client = self.client.clone();
        match self.watched(client.request(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(RequestFailed::Request(error)),
            Err(failure) => Err(RequestFailed::Other(failure)),
        }
    }

    /// Waits for a result while there is hope for one.
    pub async fn watched<T>(&mut self, result: impl Future<Output = T>) -> Result<T, Failure> {
        let patience = tokio::time::sleep(PATIENCE);
        tokio::pin!(result, patience);
        loop {
            tokio::select! {
                biased;
                result = &mut result => return Ok(result),
                event = self.events.next() => {
                    if let Some(Event::Session(session::Event::PutOff { message, .. })) = &event {
                        self.put_off = Some(message.clone());
                    }
                    self.seen.extend(check(event)?);
                }
                () = &mut patience => return Err(Failure::new(match &self.put_off {
                    Some(reason) => format!("the server could not do it in {} s: {reason}", PATIENCE.as_secs()),
                    None => format!("the server did not answer within {} s", PATIENCE.as_secs()),
                })),
            }
        }
    }

    /// Records that came while something else was waited for.
    pub fn take_seen(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.seen)
    }

    pub async fn close(self) {
        self.client.stop().await;
    }
}

/// A question without an answer.
pub enum RequestFailed {
    Request(RequestError),
    Other(Failure),
}

impl From<RequestFailed> for Failure {
    fn from(failed: RequestFailed) -> Self {
        match failed {
            RequestFailed::Request(error) => error.into(),
            RequestFailed::Other(failure) => failure,
        }
    }
}

/// Ends a command that waits for one thing when the server cannot be reached or does not want this client. Records are for
/// later.
fn check(event: Option<Event>) -> Result<Option<Event>, Failure> {
    match event {
        Some(Event::Unreachable(unreachable)) => Err(unreachable.into()),
        Some(Event::Session(session::Event::Disconnected { reason })) => {
            Failure::of_link_end(&reason).map_or(Ok(None), Err)
        }
        Some(Event::Session(session::Event::SendUnsure { content, .. })) => {
            let text = String::from_utf8_lossy(&content.body);
            eprintln!("anser: warning: whether an earlier message was sent is not known any more: {text:?}");
            Ok(None)
        }
        Some(Event::StoreFailed(error)) => Err(Failure::new(error.to_string())),
        Some(record @ (Event::Message(_) | Event::Push(_))) => Ok(Some(record)),
        Some(_) => Ok(None),
        None => Err(Failure::new("the client has ended")),
    }
}
