//! One call of the console's API as its handler sees it, and what it answers.

use std::net::IpAddr;

use anser_storage::ids::AppNumber;
use anser_storage::{App, Operator};
use axum::http::{HeaderValue, Uri};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::fault::Fault;
use crate::admin::{self, Reply, Request};
use crate::context::Shared;

use crate::rest::query_value;

/// Items of a list on a page.
const PAGE: usize = 50;
const PAGE_MAX: usize = 200;

/// Handlers take operator and app from here and from nowhere else: both were checked.
pub struct Call {
    pub context: Shared,
    /// Nobody where the route asks for nobody.
    pub operator: Option<Caller>,
    pub app: Option<(AppNumber, App)>,
    /// What the braces of the path stand for, in their order, without the app's key.
    pub names: Vec<String>,
    pub uri: Uri,
    /// Null where there is none.
    pub body: Value,
    pub from: IpAddr,
}

/// The operator whose session it is.
#[derive(Clone)]
pub struct Caller {
    pub name: String,
    pub operator: Operator,
    pub token: String,
}

/// What is answered when all went well.
pub struct Answer {
    pub value: Value,
    pub cookie: Option<HeaderValue>,
    /// For the audit log: to what it was done.
    pub target: Option<String>,
    /// A text in place of the JSON, for a file.
    pub csv: Option<String>,
}

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Self { value, cookie: None, target: None, csv: None }
    }
}

impl Answer {
    pub fn on(self, target: impl Into<String>) -> Self {
        Self { target: Some(target.into()), ..self }
    }
}

pub type Answered = Result<Answer, Fault>;

impl Call {
    pub fn caller(&self) -> Result<&Caller, Fault> {
        self.operator.as_ref().ok_or_else(Fault::no_session)
    }

    pub fn app(&self) -> Result<AppNumber, Fault> {
        self.app.as_ref().map(|(number, _)| *number).ok_or_else(Fault::unknown_app)
    }

    pub fn app_key(&self) -> Result<String, Fault> {
        self.app.as_ref().map(|(_, app)| app.app_key.clone()).ok_or_else(Fault::unknown_app)
    }

    /// The nth name of the path, besides the app's.
    pub fn name(&self, index: usize) -> Result<String, Fault> {
        self.names.get(index).cloned().ok_or_else(Fault::no_route)
    }

    pub fn query(&self, name: &str) -> Option<String> {
        query_value(&self.uri, name).map(|value| value.into_owned())
    }

    pub fn number(&self, name: &str) -> Result<Option<u64>, Fault> {
        let Some(text) = self.query(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Fault::invalid(format!("{name} must be a whole number")))
    }

    /// How many items are wanted.
    pub fn limit(&self) -> Result<usize, Fault> {
        let wanted = self.number("limit")?.map_or(PAGE, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        match (1..=PAGE_MAX).contains(&wanted) {
            true => Ok(wanted),
            false => Err(Fault::invalid(format!("limit is 1 to {PAGE_MAX}"))),
        }
    }

    /// The body as the call wants it.
    pub fn parsed<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_value(self.body.clone()).map_err(|error| Fault::invalid(format!("the body is wrong: {error}")))
    }

    /// Asks as the administrator of this machine does: the same functions stand behind the commands.
    pub async fn ask(&self, request: Request) -> Result<Reply, Fault> {
        match admin::answered(request, &self.context).await {
            Reply::Refused(why) => Err(Fault::refused(why)),
            reply => Ok(reply),
        }
    }

    /// The same, of whose answer the content is shown as it is.
    pub async fn ask_plain(&self, request: Request) -> Result<Value, Fault> {
        let reply = self.ask(request).await?;
        let value = serde_json::to_value(&reply).map_err(|_| Fault::internal())?;
        match value {
            Value::Object(object) if object.len() == 1 => Ok(object.into_iter().next().map_or(json!({}), |(_, of)| of)),
            _ => Ok(json!({})),
        }
    }
}
